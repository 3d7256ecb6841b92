-- Gives a worker the oldest due required letters (they belong to no campaign); see claim.sql.
-- A letter is never measured.
-- Letters of information (kind 4) come last: an import plans thousands at once, and somebody who
-- has just filled in a form waits for theirs.
-- Index: delivery_queued_by_kind, one kind after the other in its order: a backlog of an import is
-- neither read nor sorted whole.
WITH confirmations AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id IS NULL AND d.kind = 2 AND d.state = 1 AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
), opted_out AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id IS NULL AND d.kind = 5 AND d.state = 1 AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.id
    LIMIT greatest(0, %(size)s - (SELECT count(*) FROM confirmations))
    FOR UPDATE OF d SKIP LOCKED
), information AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id IS NULL AND d.kind = 4 AND d.state = 1 AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.id
    LIMIT greatest(0, %(size)s - (SELECT count(*) FROM confirmations)
                              - (SELECT count(*) FROM opted_out))
    FOR UPDATE OF d SKIP LOCKED
), chosen AS (
    SELECT id FROM confirmations
    UNION ALL SELECT id FROM opted_out
    UNION ALL SELECT id FROM information
)
UPDATE campaigns_delivery d
SET state = 2, worker = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts, false, 0
