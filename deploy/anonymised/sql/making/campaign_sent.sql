-- Contacts remember what they were sent.
WITH sent AS (
    INSERT INTO crm_contactcampaign (contact_id, campaign_id, sent_at)
    SELECT d.contact_id, d.campaign_id, d.finished_at
    FROM campaigns_delivery d JOIN campaigns_campaign c ON c.id = d.campaign_id
    WHERE c.name = %(name)s AND d.state = 5
    RETURNING contact_id, campaign_id, sent_at
)
INSERT INTO crm_timelineentry (contact_id, at, kind, reference)
SELECT contact_id, sent_at, 'campaign_sent', jsonb_build_object('campaign', campaign_id::text)
FROM sent
