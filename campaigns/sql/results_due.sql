-- Takes the campaign whose figures have been due for longest, and holds it until the transaction
-- ends: (campaign, whether it is being sent, launched_at). A mail of a sequence is being sent for
-- years, to a few people a day: it is treated as one that has just left. Workers never count the
-- same one at once.
-- Index: campaign_result_due.
SELECT r.campaign_id,
       k.state IN ('running', 'paused') AND k.mode = 'newsletter',
       CASE WHEN k.mode = 'newsletter' THEN k.launched_at ELSE %(now)s END
FROM campaigns_campaignresult r
JOIN campaigns_campaign k ON k.id = r.campaign_id
WHERE r.due_at <= %(now)s
ORDER BY r.due_at, r.campaign_id
LIMIT 1
FOR UPDATE OF r SKIP LOCKED
