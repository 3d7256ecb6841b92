-- Locks the oldest due passages of one active sequence and says how each person stands at this
-- moment: gone, restricted, refused for its purpose (as the gate asks it), or written to too
-- recently for who asked to hear from us less often.
-- The row locks are held until the turn's transaction ends, so they are the lease: they go with
-- the worker's session, and nothing of the turn is kept. SKIP LOCKED: workers never wait for each
-- other and never take the same person. The clock is the caller's.
-- Indexes: enrolment_due (sequence, due_at, id) where active; primary keys.
WITH chosen AS MATERIALIZED (
    SELECT e.id
    FROM campaigns_enrolment e
    WHERE e.sequence_id = %(sequence)s AND e.state = 'active' AND e.due_at <= %(now)s
    ORDER BY e.due_at, e.id
    LIMIT %(size)s
    FOR UPDATE SKIP LOCKED
)
SELECT e.id, e.version_id, e.contact_id, e.step, e.since, e.failures,
       CASE WHEN c.id IS NULL THEN 'erased'
            WHEN c.restricted_at IS NOT NULL THEN 'restricted'
            WHEN r.subject_id IS NULL THEN 'no_permission'
            WHEN r.refusal IS NOT NULL THEN r.refusal
            WHEN EXISTS (
                SELECT 1 FROM crm_contactcampaign s
                WHERE s.contact_id = c.id
                  AND s.sent_at > clock_timestamp() - f.every_days * interval '1 day')
                THEN 'too_soon'
            ELSE '' END
FROM chosen
JOIN campaigns_enrolment e ON e.id = chosen.id
JOIN campaigns_sequence q ON q.id = e.sequence_id
LEFT JOIN crm_contact c ON c.id = e.contact_id
LEFT JOIN LATERAL consent_refusals(q.purpose_id, 'email') r ON r.subject_id = e.contact_id
LEFT JOIN consent_frequencies() f ON f.subject_id = e.contact_id
ORDER BY e.id
