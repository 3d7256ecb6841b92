-- Gives a worker the oldest due messages of one running campaign, for as long as its lease.
-- SKIP LOCKED: workers never wait for each other and never take the same row. The choice is
-- materialised, because a LIMIT with locks inside IN (...) may be evaluated more than once.
-- Only the clock of the database counts: two hosts may disagree about the time.
-- is_measurable: the message rests on the person's consent (never on legitimate interest), and
-- the person agrees to be measured besides (CNIL deliberation 2026-042). What the gate gave back
-- because that had ended is not measured, whatever this statement sees: no message goes in
-- circles. The gate has the last word.
-- Index: delivery_queued (campaign, due_at, id) where queued.
WITH chosen AS MATERIALIZED (
    SELECT d.id, k.purpose_id
    FROM campaigns_delivery d
    JOIN campaigns_campaign k ON k.id = d.campaign_id
    WHERE d.campaign_id = %(campaign)s AND d.state = 1 AND d.due_at <= clock_timestamp()
      AND k.state = 'running'
    ORDER BY d.due_at, d.id
    LIMIT %(size)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE campaigns_delivery d
SET state = 2, worker = %(worker)s,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM chosen
WHERE d.id = chosen.id
RETURNING d.id, d.contact_id, d.reference_id, d.kind, d.attempts,
    d.reason <> 'measurement_ended' AND EXISTS (
        SELECT 1
        FROM consent_refusals(chosen.purpose_id, 'email') r,
             consent_refusals('email_measurement', 'email') m
        WHERE r.subject_id = d.contact_id AND r.refusal IS NULL AND r.basis = 'A6-1-a'
          AND m.subject_id = d.contact_id AND m.refusal IS NULL AND m.basis = 'A6-1-a'),
    d.variant
