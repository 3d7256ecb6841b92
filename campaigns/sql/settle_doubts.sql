-- Writes what the relay's own records say of messages in doubt, and returns the rows that took it,
-- as record.sql does. A message that was certainly not taken is sent again, unless its campaign was
-- cancelled meanwhile.
-- A row changes only while it is in doubt: its own worker may have learnt the answer late.
-- Index: primary key.
WITH outcome AS (
    SELECT o.id, o.reason, o.evidence,
           CASE WHEN o.state = 1 AND k.state = 'cancelled' THEN 6 ELSE o.state END AS state
    FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[],
                %(evidence)s::text[]) AS o (id, state, reason, evidence)
    JOIN campaigns_delivery d ON d.id = o.id
    LEFT JOIN campaigns_campaign k ON k.id = d.campaign_id
)
UPDATE campaigns_delivery d
SET state = o.state, evidence = o.evidence, lease_until = NULL, due_at = clock_timestamp(),
    reason = CASE WHEN o.state = 6 THEN 'cancelled' ELSE o.reason END,
    worker = CASE WHEN o.state = 1 THEN '' ELSE d.worker END,
    finished_at = CASE WHEN o.state > 4 THEN clock_timestamp() END
FROM outcome o
WHERE d.id = o.id AND d.state = 4
RETURNING d.id, d.contact_id, d.state, d.kind, d.reference_id
