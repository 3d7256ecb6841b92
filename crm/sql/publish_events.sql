-- Writes events and, for each, a call to every endpoint that listens to its kind. Nothing at all
-- where nobody listens. Answers with as many rows as calls were written.
-- One statement in the caller's transaction: an event is told if what happened is committed.
-- The endpoints are a handful: they are read as they are.
WITH listening AS (
    SELECT p.id FROM crm_webhookendpoint p
    WHERE p.disabled_at IS NULL AND p.removed_at IS NULL AND p.kinds ? %(kind)s
), event AS (
    INSERT INTO crm_webhookevent (id, kind, ids, at)
    SELECT e.id, %(kind)s, e.ids, %(at)s
    FROM unnest(%(numbers)s::uuid[], %(ids)s::jsonb[]) AS e (id, ids)
    WHERE EXISTS (SELECT 1 FROM listening)
    RETURNING id
)
INSERT INTO crm_webhookcall (id, event_id, endpoint_id, state, attempts, due_at, created_at)
SELECT gen_random_uuid(), event.id, listening.id, 'waiting', 0, %(at)s, %(at)s
FROM event CROSS JOIN listening
