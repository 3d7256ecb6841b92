-- Who of a segment may be written to, and why not everybody else: the part that freezing an
-- audience and counting who was missed have in common. It reads a row `launch` of (campaign_id,
-- purpose, at). Who has a message of this campaign already is not in it.
segment AS (
    {membership}
), judged AS MATERIALIZED (
    SELECT c.id, c.country,
           CASE WHEN NOT c.has_email THEN 'no_address'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN c.unreachable_at IS NOT NULL THEN 'unreachable'
                WHEN r.subject_id IS NULL THEN 'no_permission'
                WHEN r.refusal IS NULL AND EXISTS (
                    SELECT 1 FROM crm_contactcampaign s
                    WHERE s.contact_id = c.id
                      AND s.sent_at > launch.at - f.every_days * interval '1 day') THEN 'too_soon'
                ELSE r.refusal
           END AS refusal
    FROM launch
    CROSS JOIN segment s
    JOIN crm_contact c ON c.id = s.id
    LEFT JOIN consent_refusals(launch.purpose, 'email') r ON r.subject_id = c.id
    LEFT JOIN consent_frequencies() f ON f.subject_id = c.id
    WHERE NOT EXISTS (
        SELECT 1 FROM campaigns_delivery d
        WHERE d.reference_id = launch.campaign_id AND d.contact_id = c.id AND d.kind = 1)
)
