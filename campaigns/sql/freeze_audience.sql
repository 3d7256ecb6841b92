-- Freezes the audience of a campaign: one queued delivery per person who may be written to, one
-- count per reason for everybody else of the segment. Returns how many were planned.
-- One statement, so that nobody is judged twice or by two states of the world; safe to repeat,
-- because delivery_once refuses a second row. The suppression list is asked at the gate: it is
-- kept by fingerprint of the address, which only a decrypted profile has.
-- The permissions of the purpose are joined in one pass (consent_refusals is opened up by the
-- planner). Indexes: perm_audience (purpose, channel, state, subject), key of crm_contact.
WITH launch AS (
    SELECT %s::uuid AS campaign_id, %s::text AS purpose, %s::timestamptz AS at
), segment AS (
    {membership}
), judged AS MATERIALIZED (
    SELECT c.id,
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
), planned AS (
    INSERT INTO campaigns_delivery
        (campaign_id, contact_id, kind, reference_id, state, worker, due_at, attempts, reason,
         evidence, planned_at)
    SELECT launch.campaign_id, j.id, 1, launch.campaign_id, 1, '', clock_timestamp(), 0, '',
           '', launch.at
    FROM launch, judged j
    WHERE j.refusal IS NULL
    ORDER BY j.id
    ON CONFLICT DO NOTHING
    RETURNING id
), excluded AS (
    INSERT INTO campaigns_audienceexclusion (campaign_id, reason, contacts)
    SELECT launch.campaign_id, j.refusal, count(*)
    FROM launch, judged j
    WHERE j.refusal IS NOT NULL
    GROUP BY launch.campaign_id, j.refusal
    RETURNING contacts
)
SELECT (SELECT count(*) FROM planned), (SELECT coalesce(sum(contacts), 0) FROM excluded)
