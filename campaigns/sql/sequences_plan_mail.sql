-- Plans the mail of one sending step: a queued row of the ledger per passage, and the account of
-- its campaign grows by as many. Nothing is judged here: gate.sql asks each row when its turn to
-- leave has come, as for every newsletter.
-- The reference is made of the passage and the step, so that delivery_once refuses a second one
-- however often this is repeated. Indexes: delivery_once, primary keys.
WITH planned AS (
    INSERT INTO campaigns_delivery
        (campaign_id, contact_id, kind, reference_id, state, worker, due_at, attempts, reason,
         evidence, planned_at)
    SELECT %(campaign)s, p.contact_id, 1, p.reference_id, 1, '', clock_timestamp(), 0, '',
           '', %(now)s
    FROM unnest(%(references)s::uuid[], %(contacts)s::uuid[]) AS p (reference_id, contact_id)
    ORDER BY p.contact_id
    ON CONFLICT DO NOTHING
    RETURNING id
)
UPDATE campaigns_campaign k
SET audience_size = coalesce(k.audience_size, 0) + (SELECT count(*) FROM planned)
WHERE k.id = %(campaign)s AND EXISTS (SELECT 1 FROM planned)
