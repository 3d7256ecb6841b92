-- Gives a worker the oldest due messages to one person (kind 6: an answer to a request, kind 7: one
-- that another system asked for); they belong to no campaign. See claim.sql. None is ever measured.
-- The last column: whether one in doubt is sent again, because the law requires it.
-- Index: delivery_queued_by_kind: a backlog of letters is not read.
WITH chosen AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id IS NULL AND d.kind IN (6, 7) AND d.state = 1
      AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE campaigns_delivery d
SET state = 2, worker = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts, false, 0,
    coalesce((SELECT t.is_required FROM campaigns_transactionalmessage t
              WHERE t.id = d.reference_id AND d.kind = 7), false)
