-- The figures of a campaign among those who agree to be measured, now: (messages, opened at least
-- once, followed a link at least once). Whoever has withdrawn is in none of the three: what was
-- measured of them is deleted, and counting their message alone would bend the ratio.
-- Indexes: delivery_by_state; keys of consent_permission and campaigns_measuredmessage.
SELECT count(*), count(held.last_open_on), count(held.last_click_on)
FROM campaigns_delivery d
JOIN consent_refusals('email_measurement', 'email') m ON m.subject_id = d.contact_id
LEFT JOIN campaigns_measuredmessage held ON held.delivery_id = d.id
WHERE d.campaign_id = %(campaign)s AND d.state = 5 AND d.is_measured
  AND m.basis = 'A6-1-a' AND (m.refusal IS NULL OR m.refusal = 'on_pause')
