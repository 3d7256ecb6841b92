-- What happened between a person and us, as the list of its kinds in order; how many share it.
-- A history that fewer than ten share is taken for the most common one.
SELECT history, count(*) FROM (
    SELECT subject_id, array_agg(ARRAY[
        CASE WHEN purpose_id = ANY (%(known)s) THEN purpose_id ELSE 'newsletter' END,
        channel, basis, event_state, event_type, method, indicated_by, language
    ] ORDER BY seq) AS history
    FROM consent_ledgerevent GROUP BY subject_id
) AS histories GROUP BY history
