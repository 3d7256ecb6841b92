-- Takes the campaign whose figures have been due for longest, and holds it until the transaction
-- ends: (campaign, state, launched_at). Workers never count the same one at once.
-- Index: campaign_result_due.
SELECT r.campaign_id, k.state, k.launched_at
FROM campaigns_campaignresult r
JOIN campaigns_campaign k ON k.id = r.campaign_id
WHERE r.due_at <= %(now)s
ORDER BY r.due_at, r.campaign_id
LIMIT 1
FOR UPDATE OF r SKIP LOCKED
