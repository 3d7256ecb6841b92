-- Gives a worker due calls, each until its lease ends: a worker that dies loses none, and an event
-- may then be told twice, with the same id. Of one endpoint at most a few, the oldest; and none of
-- an endpoint that another worker is calling, so that one that hangs holds up one worker and not all.
-- The endpoint is locked before its calls, as everywhere; what is locked by others is passed over.
-- Indexes: webhookcall_waiting (endpoint, due_at, id where waiting), webhookcall_in_flight.
WITH free AS MATERIALIZED (
    SELECT p.id
    FROM crm_webhookendpoint p
    WHERE p.disabled_at IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM crm_webhookcall f
          WHERE f.endpoint_id = p.id AND f.state = 'waiting' AND f.lease_until >= %(now)s)
      AND EXISTS (
          SELECT 1 FROM crm_webhookcall d
          WHERE d.endpoint_id = p.id AND d.state = 'waiting' AND d.due_at <= %(now)s)
    FOR NO KEY UPDATE OF p SKIP LOCKED
), due AS MATERIALIZED (
    SELECT c.id, c.due_at, c.endpoint_id
    FROM free p
    CROSS JOIN LATERAL (
        SELECT w.id, w.due_at, w.endpoint_id FROM crm_webhookcall w
        WHERE w.endpoint_id = p.id AND w.state = 'waiting' AND w.due_at <= %(now)s
          AND (w.lease_until IS NULL OR w.lease_until < %(now)s)
        ORDER BY w.due_at, w.id
        LIMIT %(each)s
        FOR UPDATE OF w SKIP LOCKED
    ) c
), chosen AS MATERIALIZED (
    SELECT id
    FROM (
        SELECT due.*, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at, id) AS place
        FROM due
    ) each
    ORDER BY place, due_at
    LIMIT %(size)s
)
UPDATE crm_webhookcall w
SET lease_until = %(until)s
FROM chosen
WHERE w.id = chosen.id
RETURNING w.id
