-- So many messages of the campaign, to any contacts that have none of it yet. What was still on its
-- way (states 1 to 4, and 10: held back) was skipped: nothing is sent from a copy.
INSERT INTO campaigns_delivery (campaign_id, contact_id, kind, reference_id, state, worker, due_at,
    attempts, reason, evidence, planned_at, finished_at)
SELECT c.id, p.id, 1, c.id,
    CASE WHEN %(state)s IN (1, 2, 3, 4, 10) THEN 6 ELSE %(state)s END, '', %(at)s, 1,
    CASE WHEN %(state)s IN (1, 2, 3, 4, 10) THEN 'cancelled' ELSE %(reason)s END, '', %(at)s,
    %(at)s::timestamptz + random() * interval '2 hours'
FROM campaigns_campaign c, LATERAL (
    SELECT k.id FROM crm_contact k
    WHERE NOT EXISTS (SELECT FROM campaigns_delivery d
        WHERE d.reference_id = c.id AND d.contact_id = k.id AND d.kind = 1)
    ORDER BY random() LIMIT %(n)s
) AS p
WHERE c.name = %(name)s;
UPDATE campaigns_campaign SET audience_size = coalesce(audience_size, 0) + %(n)s
WHERE name = %(name)s
