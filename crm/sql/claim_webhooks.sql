-- Gives a worker the oldest due calls, each until its lease ends: a worker that dies loses none,
-- and an event may then be told twice, with the same id. Of one endpoint at most a few at once,
-- so that one that does not answer leaves room for the others.
-- Index: webhookcall_due.
WITH due AS (
    SELECT c.id, row_number() OVER (PARTITION BY c.endpoint_id ORDER BY c.due_at, c.id) AS place
    FROM (
        SELECT w.id, w.endpoint_id, w.due_at FROM crm_webhookcall w
        WHERE w.state = 'waiting' AND w.due_at <= %(now)s
          AND (w.lease_until IS NULL OR w.lease_until < %(now)s)
        ORDER BY w.due_at, w.id
        LIMIT 500
    ) c
), chosen AS MATERIALIZED (
    SELECT w.id FROM crm_webhookcall w
    WHERE w.id IN (SELECT id FROM due WHERE place <= %(each)s ORDER BY place LIMIT %(size)s)
      AND w.state = 'waiting' AND (w.lease_until IS NULL OR w.lease_until < %(now)s)
    FOR UPDATE SKIP LOCKED
)
UPDATE crm_webhookcall w
SET lease_until = %(until)s
FROM chosen
WHERE w.id = chosen.id
RETURNING w.id
