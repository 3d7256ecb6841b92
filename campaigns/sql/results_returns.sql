-- What came back of a campaign, by mail or by a service's word: (kind, why, status, messages). A
-- message of which the same came back twice is counted once. Rows are kept for 400 days.
-- Index: return_of_campaign.
SELECT r.kind, r.why, r.status, count(DISTINCT coalesce(r.delivery_id::text, r.id::text))
FROM campaigns_return r
WHERE r.campaign_id = %(campaign)s AND r.attribution <> 'forged'
GROUP BY r.kind, r.why, r.status
ORDER BY 4 DESC, r.kind, r.why, r.status
