-- Openings and clicks of a campaign among those who agree to be measured at this moment, and whose
-- message left as a measured one: (what, which, messages, opened, clicked). `what` is all, or a
-- trait (variant, language, country, status) and `which` its value; opened and clicked by day, the
-- last of each person's; link by its position. Whoever has withdrawn is in no line.
-- The people are found once; small groups are folded by who asked, before anything is kept.
-- Indexes: delivery_measured; keys of consent_permission, crm_contact, campaigns_measuredmessage
-- and campaigns_measuredclick.
WITH agreed AS MATERIALIZED (
    SELECT d.id, d.variant, c.language, c.country, c.status, held.last_open_on, held.last_click_on
    FROM campaigns_delivery d
    JOIN consent_refusals('email_measurement', 'email') m ON m.subject_id = d.contact_id
    JOIN crm_contact c ON c.id = d.contact_id AND c.restricted_at IS NULL
    LEFT JOIN campaigns_measuredmessage held ON held.delivery_id = d.id
    WHERE d.campaign_id = %(campaign)s AND d.state = 5 AND d.is_measured
      AND m.basis = 'A6-1-a' AND (m.refusal IS NULL OR m.refusal = 'on_pause')
), traits AS (
    SELECT t.what, t.which, a.last_open_on, a.last_click_on
    FROM agreed a
    CROSS JOIN LATERAL (VALUES
        ('all', ''), ('variant', a.variant::text), ('language', a.language),
        ('country', a.country), ('status', a.status)) AS t (what, which)
)
SELECT what, which, count(*), count(last_open_on), count(last_click_on)
FROM traits GROUP BY what, which
UNION ALL
SELECT 'opened', last_open_on::text, count(*), count(*), 0
FROM agreed WHERE last_open_on IS NOT NULL GROUP BY last_open_on
UNION ALL
SELECT 'clicked', last_click_on::text, count(*), 0, count(*)
FROM agreed WHERE last_click_on IS NOT NULL GROUP BY last_click_on
UNION ALL
SELECT 'link', k.link_id::text, count(*), 0, count(*)
FROM agreed a JOIN campaigns_measuredclick k ON k.message_id = a.id GROUP BY k.link_id
ORDER BY 1, 2
