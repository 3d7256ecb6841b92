-- Per variant of the sample: how many messages count, and how many of them have the event. Openings
-- and clicks count among those alone who agree to be measured, and were when it left. An opt-out is
-- somebody who could be written to when it left and has said no since.
-- Index: delivery_by_state; keys of consent_permission and campaigns_measuredmessage.
SELECT d.variant, count(*),
       count(*) FILTER (WHERE CASE %(rule)s
           WHEN 'clicks' THEN held.last_click_on IS NOT NULL
           WHEN 'opens' THEN held.last_open_on IS NOT NULL
           ELSE coalesce(r.refusal IN ('withdrawn', 'objected', 'refused'), false) END)
FROM campaigns_delivery d
JOIN campaigns_campaign k ON k.id = d.campaign_id
LEFT JOIN consent_refusals(k.purpose_id, 'email') r ON r.subject_id = d.contact_id
LEFT JOIN consent_refusals('email_measurement', 'email') m
    ON m.subject_id = d.contact_id AND m.basis = 'A6-1-a'
    AND (m.refusal IS NULL OR m.refusal = 'on_pause')
LEFT JOIN campaigns_measuredmessage held ON held.delivery_id = d.id
WHERE d.campaign_id = %(campaign)s AND d.state = 5 AND d.round = 1
  AND (%(rule)s NOT IN ('clicks', 'opens') OR d.is_measured AND m.subject_id IS NOT NULL)
GROUP BY d.variant
ORDER BY d.variant
