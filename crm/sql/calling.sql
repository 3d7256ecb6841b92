-- Who of a segment may be called, and for everybody else why not. Reads only. Returns
-- (reason, contacts, null, null) for each reason, null being those who may be called, and then
-- ('listed', 0, id, basis) for the next of these behind `after`, in the order of their ids.
-- One statement, so that the counts and the list are of one state of the world. The ladder is that
-- of waterfall.sql, and two steps of the law of calls: consent where the rule wants it, and at
-- most so many calls to a consumer in so many days.
-- The suppression list is asked for each page by number, in `reachable`: it is kept by fingerprint.
-- Indexes: perm_audience, key of crm_contact, timeline_of_contact.
WITH asked AS (
    SELECT %(purpose)s::text AS purpose, %(after)s::uuid AS after,
           %(consumers)s::boolean AS consumers, %(professionals)s::boolean AS professionals,
           %(calls_since)s::timestamptz AS calls_since
), segment AS (
    {membership}
), judged AS MATERIALIZED (
    SELECT c.id, r.basis,
           CASE WHEN NOT c.has_phone THEN 'no_address'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN r.subject_id IS NULL THEN 'no_permission'
                WHEN r.refusal IS NOT NULL THEN r.refusal
                WHEN r.basis <> %(consent)s
                     AND CASE WHEN c.is_professional THEN asked.professionals
                                                     ELSE asked.consumers END
                    THEN 'needs_consent'
                WHEN NOT c.is_professional AND %(calls_most)s <= (
                    SELECT count(*) FROM crm_timelineentry t
                    WHERE t.contact_id = c.id AND t.at > asked.calls_since AND t.kind = 'called')
                    THEN 'called_often'
           END AS refusal
    FROM asked
    CROSS JOIN segment s
    JOIN crm_contact c ON c.id = s.id
    LEFT JOIN consent_refusals(asked.purpose, 'phone') r ON r.subject_id = c.id
)
SELECT j.refusal, count(*), NULL::uuid, NULL::text FROM judged j GROUP BY j.refusal
UNION ALL
(SELECT 'listed', 0, j.id, j.basis FROM asked, judged j
 WHERE j.refusal IS NULL AND (asked.after IS NULL OR j.id > asked.after)
 ORDER BY j.id LIMIT %(size)s)
