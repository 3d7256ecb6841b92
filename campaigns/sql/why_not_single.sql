-- Why one person may not be sent a message for a purpose now; null: they may. The same questions
-- in the same order as gate_single.sql, for the page on which somebody writes: reads only, and
-- decides nothing (a test compares the two).
SELECT CASE WHEN c.id IS NULL THEN 'erased'
            WHEN c.restricted_at IS NOT NULL THEN 'restricted'
            WHEN c.unreachable_at IS NOT NULL THEN 'unreachable'
            WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
            WHEN u.is_marketing AND r.subject_id IS NULL THEN 'no_permission'
            WHEN u.is_marketing AND r.refusal IS NOT NULL THEN r.refusal
            WHEN r.refusal IN ('refused', 'withdrawn', 'objected') THEN r.refusal
            WHEN %(kind)s = 6 AND l.id IS NULL THEN 'no_request'
            WHEN consent_is_suppressed(1, %(marks)s, u.code::text) THEN 'suppressed'
       END
FROM consent_purpose u
LEFT JOIN crm_contact c ON c.id = %(contact)s
LEFT JOIN crm_lead l ON l.id = %(lead)s AND l.contact_id = %(contact)s
LEFT JOIN LATERAL consent_refusals(u.code, 'email') r ON r.subject_id = %(contact)s
WHERE u.code = %(purpose)s
