-- Gives a worker the oldest due messages of one running campaign, for as long as its lease.
-- SKIP LOCKED: workers never wait for each other and never take the same row. The choice is
-- materialised, because a LIMIT with locks inside IN (...) may be evaluated more than once.
-- Only the clock of the database counts: two hosts may disagree about the time.
-- Index: delivery_queued (campaign, due_at, id) where queued.
WITH chosen AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.campaign_id = %(campaign)s AND d.state = 1 AND d.due_at <= clock_timestamp()
      AND EXISTS (
          SELECT 1 FROM campaigns_campaign c WHERE c.id = %(campaign)s AND c.state = 'running')
    ORDER BY d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE campaigns_delivery d
SET state = 2, worker = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts
