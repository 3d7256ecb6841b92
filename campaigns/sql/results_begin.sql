-- Gives every launched campaign that has none a row for its figures, due at once; and makes those
-- due whose figures have an older shape. Safe to repeat.
-- There are thousands of campaigns, not millions: all of them are looked at.
WITH reshaped AS (
    UPDATE campaigns_campaignresult SET due_at = %(now)s
    WHERE counted_at IS NOT NULL AND version <> %(version)s AND due_at > %(now)s
)
INSERT INTO campaigns_campaignresult (campaign_id, due_at, took_ms, version)
SELECT k.id, %(now)s, 0, 0
FROM campaigns_campaign k
WHERE k.launched_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM campaigns_campaignresult r WHERE r.campaign_id = k.id)
ON CONFLICT DO NOTHING
