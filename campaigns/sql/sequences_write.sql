-- Writes where the people of a turn are now: a step with its due date, or an end with its reason.
-- Who was ended meanwhile by the turn itself (a tag that is an exit) stays ended. Returns the ids
-- of the others.
-- Index: primary key.
UPDATE campaigns_enrolment e
SET step = m.step, since = m.since, due_at = m.due_at, state = m.state, reason = m.reason,
    failures = m.failures, ended_at = CASE WHEN m.state <> 'active' THEN %(now)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(steps)s::text[], %(since)s::timestamptz[],
            %(due)s::timestamptz[], %(states)s::text[], %(reasons)s::text[],
            %(failures)s::smallint[])
    AS m (id, step, since, due_at, state, reason, failures)
WHERE e.id = m.id AND e.state = 'active'
RETURNING e.id
