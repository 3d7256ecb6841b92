-- Letters that are over; what was still on its way (states 1 to 4) was skipped.
INSERT INTO campaigns_delivery (campaign_id, contact_id, kind, reference_id, state, worker, due_at,
    attempts, reason, evidence, planned_at, finished_at)
SELECT NULL, c.id, %(k0)s, gen_random_uuid(), CASE WHEN %(k1)s <= 4 THEN 6 ELSE %(k1)s END, '',
    c.at, 1, CASE WHEN %(k1)s <= 4 THEN 'cancelled' ELSE %(k2)s END, '', c.at, c.at
FROM (
    SELECT id, created_at + random() * (%(now)s - created_at) AS at
    FROM crm_contact, generate_series(1, 1 + %(n)s / (SELECT count(*) FROM crm_contact))
    ORDER BY random() LIMIT %(n)s
) AS c
