-- Writes what became of a batch, and returns the rows that took it: (id, contact,
-- state, kind, reference).
-- A row changes only while it is still this worker's (claimed or handing). One exception: a
-- worker that slept through its lease may still settle what is in doubt or unknown, with the
-- relay's own yes or no.
-- Index: primary key.
WITH outcome AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(evidence)s::text[],
        %(delays)s::float8[], %(uncounted)s::smallint[])
        AS o (id, state, reason, evidence, delay, uncounted)
)
UPDATE campaigns_delivery d
SET state = o.state, reason = o.reason, evidence = o.evidence, lease_until = NULL,
    worker = CASE WHEN o.state = 1 THEN '' ELSE d.worker END,
    attempts = greatest(d.attempts - o.uncounted, 0),
    due_at = CASE WHEN o.state IN (1, 4) THEN clock_timestamp() + o.delay * interval '1 second'
                  ELSE d.due_at END,
    finished_at = CASE WHEN o.state > 4 THEN clock_timestamp() END
FROM outcome o
WHERE d.id = o.id AND d.worker = %(worker)s
  AND (d.state IN (2, 3) OR (d.state IN (4, 9) AND o.state IN (5, 8)))
RETURNING d.id, d.contact_id, d.state, d.kind, d.reference_id
