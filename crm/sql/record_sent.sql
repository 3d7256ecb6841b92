-- Remembers that contacts were sent a campaign and when last (a mail of a sequence is sent again to
-- who enters it again), and says so on their timeline, once per contact and campaign. Returns how
-- many were new. Contacts erased meanwhile are left out. Safe to repeat: the primary key (contact,
-- campaign) refuses a second row, and only new rows reach the timeline (xmax is 0 of an insert).
WITH sent AS (
    SELECT %s::uuid AS campaign_id, %s::timestamptz AS at
), known AS (
    INSERT INTO crm_contactcampaign AS k (contact_id, campaign_id, sent_at)
    SELECT c.id, sent.campaign_id, sent.at
    FROM sent, crm_contact c
    WHERE c.id = ANY(%s::uuid[])
    ORDER BY c.id
    ON CONFLICT (contact_id, campaign_id) DO UPDATE SET sent_at = excluded.sent_at
    WHERE k.sent_at < excluded.sent_at
    RETURNING contact_id, campaign_id, sent_at, xmax = 0 AS is_new
), told AS (
    INSERT INTO crm_timelineentry (contact_id, at, kind, reference)
    SELECT contact_id, sent_at, 'campaign_sent', jsonb_build_object('campaign', campaign_id)
    FROM known
    WHERE is_new
    RETURNING id
)
SELECT count(*) FROM told
