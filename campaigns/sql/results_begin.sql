-- Gives every launched campaign that has none a row for its figures, due at once. Safe to repeat.
-- There are thousands of campaigns, not millions: all of them are looked at.
INSERT INTO campaigns_campaignresult (campaign_id, due_at, took_ms)
SELECT k.id, %(now)s, 0
FROM campaigns_campaign k
WHERE k.launched_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM campaigns_campaignresult r WHERE r.campaign_id = k.id)
ON CONFLICT DO NOTHING
