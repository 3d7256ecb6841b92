-- Remembers that contacts were sent a campaign, and says so on their timeline, once per contact
-- and campaign. Returns how many were new. Contacts erased meanwhile are left out. Safe to repeat:
-- the primary key (contact, campaign) refuses a second row, and only new rows reach the timeline.
WITH sent AS (
    SELECT %s::uuid AS campaign_id, %s::timestamptz AS at
), fresh AS (
    INSERT INTO crm_contactcampaign (contact_id, campaign_id, sent_at)
    SELECT c.id, sent.campaign_id, sent.at
    FROM sent, crm_contact c
    WHERE c.id = ANY(%s::uuid[])
    ORDER BY c.id
    ON CONFLICT DO NOTHING
    RETURNING contact_id, campaign_id, sent_at
), told AS (
    INSERT INTO crm_timelineentry (contact_id, at, kind, reference)
    SELECT contact_id, sent_at, 'campaign_sent', jsonb_build_object('campaign', campaign_id)
    FROM fresh
    RETURNING id
)
SELECT count(*) FROM told
