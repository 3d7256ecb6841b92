-- The campaigns that anybody was sent. Reads only.
-- A loose scan: one look-up per distinct campaign in the index contactcampaign_campaign.
WITH RECURSIVE sent AS (
    (SELECT campaign_id FROM crm_contactcampaign ORDER BY campaign_id LIMIT 1)
    UNION ALL
    SELECT (SELECT k.campaign_id FROM crm_contactcampaign k
            WHERE k.campaign_id > sent.campaign_id ORDER BY k.campaign_id LIMIT 1)
    FROM sent WHERE sent.campaign_id IS NOT NULL
)
SELECT campaign_id::text FROM sent WHERE campaign_id IS NOT NULL
