-- Why one person may not be sent a message for a purpose now; null: they may. The same questions
-- in the same order as gate_single.sql, for the page on which somebody writes: reads only, and
-- decides nothing (a test compares the two).
SELECT CASE WHEN c.id IS NULL THEN 'erased'
            WHEN c.restricted_at IS NOT NULL THEN 'restricted'
            WHEN c.unreachable_at IS NOT NULL THEN 'unreachable'
            WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
            WHEN %(kind)s = 7 AND u.is_marketing THEN 'marketing'
            WHEN %(kind)s = 7 AND %(ground)s = '' THEN 'no_ground'
            WHEN u.is_marketing AND r.subject_id IS NULL THEN 'no_permission'
            WHEN u.is_marketing AND r.refusal IS NOT NULL THEN r.refusal
            WHEN %(ground)s = 'legal_obligation' THEN NULL
            WHEN r.refusal IN ('refused', 'withdrawn', 'objected') THEN r.refusal
            WHEN %(kind)s = 6 AND l.id IS NULL THEN 'no_request'
            WHEN %(ground)s = 'reply' AND NOT EXISTS (
                SELECT 1 FROM crm_lead own WHERE own.contact_id = %(contact)s)
                THEN 'no_request'
            WHEN %(ground)s = 'contract' THEN
                CASE WHEN consent_is_suppressed_for(1, %(marks)s, u.code::text)
                     THEN 'suppressed' END
            WHEN consent_is_suppressed(1, %(marks)s, u.code::text) THEN 'suppressed'
       END
FROM consent_purpose u
LEFT JOIN crm_contact c ON c.id = %(contact)s
LEFT JOIN crm_lead l ON l.id = %(lead)s AND l.contact_id = %(contact)s
LEFT JOIN LATERAL consent_refusals(u.code, 'email') r ON r.subject_id = %(contact)s
WHERE u.code = %(purpose)s
