-- Campaigns by age, with what became of their messages; one that was never launched has a zero.
-- Letters (no campaign) are counted as a campaign without a purpose, number 0.
SELECT dense_rank() OVER (ORDER BY c.created_at, c.id), c.purpose_id,
    floor(extract(epoch FROM %(now)s - coalesce(c.launched_at, c.created_at)) / 2592000)::int,
    d.state, d.reason, count(d.id)
FROM campaigns_campaign c LEFT JOIN campaigns_delivery d ON d.campaign_id = c.id AND d.kind = 1
GROUP BY c.created_at, c.id, c.purpose_id, c.launched_at, d.state, d.reason
ORDER BY 1
