-- Gives a worker the oldest due required letters (they belong to no campaign); see claim.sql.
-- A letter is never measured.
-- Letters of information (kind 4) come last: an import plans thousands at once, and somebody who
-- has just filled in a form waits for theirs.
-- Index: delivery_queued, on its rows without a campaign.
WITH chosen AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id IS NULL AND d.kind IN (2, 4, 5) AND d.state = 1
      AND d.due_at <= clock_timestamp()
    ORDER BY d.kind = 4, d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE campaigns_delivery d
SET state = 2, worker = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts, false, 0
