-- Counts the people of a segment by why they cannot be reached for a purpose; null: they can.
-- Reads only. The same ladder, in the same order, as the statement that freezes an audience, so
-- that what was announced is what is launched; the suppression list is asked later, by address.
-- One pass over the segment, joined with the permissions of the purpose (consent_refusals is
-- opened up by the planner). A person without a row was never asked.
WITH asked AS (
    SELECT %s::text AS purpose, %s::text AS channel, %s::timestamptz AS at
), segment AS (
    {membership}
), judged AS (
    SELECT CASE WHEN NOT CASE asked.channel WHEN 'email' THEN c.has_email
                                            WHEN 'post' THEN TRUE
                                            ELSE c.has_phone END THEN 'no_address'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN c.unreachable_at IS NOT NULL AND asked.channel = 'email' THEN 'unreachable'
                WHEN r.subject_id IS NULL THEN 'no_permission'
                WHEN r.refusal IS NULL AND asked.channel = 'email' AND EXISTS (
                    SELECT 1 FROM crm_contactcampaign s
                    WHERE s.contact_id = c.id
                      AND s.sent_at > asked.at - f.every_days * interval '1 day') THEN 'too_soon'
                ELSE r.refusal
           END AS refusal
    FROM asked
    CROSS JOIN segment s
    JOIN crm_contact c ON c.id = s.id
    LEFT JOIN consent_refusals(asked.purpose, asked.channel) r ON r.subject_id = c.id
    LEFT JOIN consent_frequencies() f ON f.subject_id = c.id
)
SELECT refusal, count(*) FROM judged GROUP BY refusal
