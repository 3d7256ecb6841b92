-- Notes the day on which a measured message was last opened, or its links last followed: only that
-- day is kept, over the one before (CNIL deliberation 2026-042). Returns the message's id, or
-- nothing. One statement, so that the person's permission is asked at the moment of writing: the
-- public side has asked a copy only, which may be old, and a "no" acts on mails already sent.
-- The message itself must have left as a measured one. Of a click, the link's own day is kept
-- beside it, if the link is one of the same campaign. Safe to repeat, in any order.
-- Indexes: primary keys throughout.
WITH noted AS (
    INSERT INTO campaigns_measuredmessage AS held
        (delivery_id, campaign_id, contact_id, last_open_on, last_click_on)
    SELECT d.id, d.campaign_id, d.contact_id, %(open_on)s::date, %(click_on)s::date
    FROM campaigns_delivery d
    JOIN crm_contact c ON c.id = d.contact_id AND c.restricted_at IS NULL
    JOIN LATERAL consent_refusals('email_measurement', 'email') m ON m.subject_id = d.contact_id
    WHERE d.id = %(delivery)s AND d.is_measured AND m.refusal IS NULL AND m.basis = 'A6-1-a'
    ON CONFLICT (delivery_id) DO UPDATE
    SET last_open_on = greatest(held.last_open_on, excluded.last_open_on),
        last_click_on = greatest(held.last_click_on, excluded.last_click_on)
    RETURNING delivery_id, campaign_id
), followed AS (
    INSERT INTO campaigns_measuredclick AS link (message_id, link_id, last_click_on)
    SELECT noted.delivery_id, l.id, %(click_on)s::date
    FROM noted
    JOIN campaigns_trackedlink l ON l.campaign_id = noted.campaign_id AND l.id = %(link)s
    WHERE %(click_on)s::date IS NOT NULL
    ON CONFLICT (message_id, link_id) DO UPDATE
    SET last_click_on = greatest(link.last_click_on, excluded.last_click_on)
)
SELECT delivery_id FROM noted
