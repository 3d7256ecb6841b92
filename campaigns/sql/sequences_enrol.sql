-- Begins passages of one active sequence for the people of `wanted` ({wanted} is a list of common
-- table expressions of our own); returns how many began.
-- Who is in it already, or went through it too recently to enter again, is left alone: the unique
-- index enrolment_once_at_a_time settles who of two is first, and the same day of a date
-- (occurrence) never begins twice. Safe to repeat.
-- Indexes: primary keys, enrolment_once_at_a_time, enrolment_occurrence_once.
WITH {wanted}, asked AS (
    SELECT %s::uuid AS sequence_id, %s::timestamptz AS at, %s::timestamptz AS due_at,
           %s::integer AS reentry_days, %s::text AS occurrence, %s::uuid AS actor_id
), began AS (
    INSERT INTO campaigns_enrolment
        (id, sequence_id, version_id, contact_id, step, since, due_at, state, reason, started_at,
         started_by, occurrence, failures)
    SELECT gen_random_uuid(), q.id, q.current_id, c.id, '', a.at, a.due_at, 'active', '', a.at,
           a.actor_id, a.occurrence, 0
    FROM asked a
    JOIN campaigns_sequence q ON q.id = a.sequence_id AND q.state = 'active'
    CROSS JOIN wanted w
    JOIN crm_contact c ON c.id = w.contact_id AND c.restricted_at IS NULL
    WHERE NOT EXISTS (
        SELECT 1 FROM campaigns_enrolment p
        WHERE p.sequence_id = q.id AND p.contact_id = c.id
          AND (p.state = 'active' OR a.reentry_days = 0
               OR p.started_at > a.at - a.reentry_days * interval '1 day'))
    ORDER BY c.id
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT id FROM began
