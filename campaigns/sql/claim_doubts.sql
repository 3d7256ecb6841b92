-- Gives the resolver what is in doubt and due; each comes again only after a pause, so that several
-- resolvers share the work and a log that is late is not read all the time.
-- Index: delivery_in_doubt.
WITH chosen AS MATERIALIZED (
    SELECT d.id
    FROM campaigns_delivery d
    WHERE d.state = 4 AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE campaigns_delivery d
SET due_at = clock_timestamp() + %(again)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts, d.handing_at,
    coalesce((SELECT t.is_required FROM campaigns_transactionalmessage t
               WHERE t.id = d.reference_id AND d.kind = 7), false), d.relay
