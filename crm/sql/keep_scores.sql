-- Never dated later than the clock of the database, by which a change of the rules is dated.
-- Keeps the scores of a batch, and copies the points to the leads of each contact, to sort by.
WITH score AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(points)s::smallint[], %(parts)s::jsonb[], %(refusals)s::text[])
        AS s (contact_id, points, parts, refusal)
), kept AS (
    UPDATE crm_contactscore k
    SET points = s.points, parts = s.parts, refusal = s.refusal, computed_at = least(%(now)s, clock_timestamp())
    FROM score s
    WHERE k.contact_id = s.contact_id
    RETURNING k.contact_id, coalesce(k.points, 0) AS points
)
UPDATE crm_lead l
SET score = kept.points
FROM kept
WHERE l.contact_id = kept.contact_id AND l.score <> kept.points
