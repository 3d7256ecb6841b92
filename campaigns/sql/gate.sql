-- The gate: the last question before a newsletter leaves. Each message of the batch is judged at
-- this moment and moved to handing (3), skipped (6, with the reason) or, while its campaign is
-- paused, back to queued (1). Returns (id, state, reason) of the rows that moved; a row that is
-- missing is no longer this worker's.
-- Nothing moves while the privacy journal is ahead of this database (a restore, a crash between
-- the journal and the commit): somebody's "no" may be in the events that are missing.
-- One statement, so that no answer is older than another. Rows in handing may pass again: what
-- has waited too long behind its gate is asked once more before it is written to the relay.
-- Whoever passes is given the number of the ledger event that permits it (justification_seq).
-- A person who asked for at most one message in so many days counts every campaign but this one;
-- of a sequence's mail this one too, because its people may go through the sequence again.
-- A message that would be measured passes only while the permission that justifies it is a consent
-- and a consent to be measured holds at this moment: else it goes back to be rendered without its
-- pixel (measurement_ended), and the try is not counted. is_measured says which one left.
-- Indexes: primary keys throughout; consent_suppression by (kind, fingerprint, purpose).
WITH batch AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(marks)s::bytea[], %(measured)s::boolean[])
        AS b (id, marks, is_measured)
), journal AS (
    SELECT 1 FROM privacy_journalapplied
    WHERE journal_id = %(journal_id)s AND applied_seq = %(journal_seq)s
), judged AS (
    SELECT d.id, r.event_seq, b.is_measured,
           CASE WHEN k.state = 'cancelled' THEN 'cancelled'
                WHEN k.state <> 'running' THEN 'paused'
                WHEN c.id IS NULL THEN 'erased'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN c.unreachable_at IS NOT NULL THEN 'unreachable'
                WHEN r.subject_id IS NULL THEN 'no_permission'
                WHEN r.refusal IS NOT NULL THEN r.refusal
                WHEN consent_is_suppressed(1, b.marks, k.purpose_id) THEN 'suppressed'
                WHEN EXISTS (
                    SELECT 1 FROM crm_contactcampaign s
                    WHERE s.contact_id = d.contact_id
                      AND (s.campaign_id <> d.campaign_id OR k.mode = 'sequence')
                      AND s.sent_at > clock_timestamp() - f.every_days * interval '1 day')
                    THEN 'too_soon'
                WHEN b.is_measured AND NOT (
                    r.basis = 'A6-1-a'
                    AND EXISTS (
                        SELECT 1 FROM consent_refusals('email_measurement', 'email') m
                        WHERE m.subject_id = d.contact_id AND m.refusal IS NULL
                          AND m.basis = 'A6-1-a')
                    AND NOT consent_is_suppressed(1, b.marks, 'email_measurement'))
                    THEN 'measurement_ended'
           END AS refusal
    FROM batch b
    JOIN campaigns_delivery d ON d.id = b.id
    JOIN campaigns_campaign k ON k.id = d.campaign_id
    LEFT JOIN crm_contact c ON c.id = d.contact_id
    LEFT JOIN LATERAL consent_refusals(k.purpose_id, 'email') r ON r.subject_id = d.contact_id
    LEFT JOIN consent_frequencies() f ON f.subject_id = d.contact_id
    WHERE EXISTS (SELECT 1 FROM journal)
), verdict AS (
    SELECT j.*, coalesce(j.refusal IN ('paused', 'measurement_ended'), false) AS is_back
    FROM judged j
)
UPDATE campaigns_delivery d
SET state = CASE WHEN j.refusal IS NULL THEN 3 WHEN j.is_back THEN 1 ELSE 6 END,
    reason = CASE WHEN j.refusal = 'paused' THEN '' ELSE coalesce(j.refusal, '') END,
    attempts = d.attempts + CASE WHEN j.refusal IS NULL AND d.state = 2 THEN 1
                                 WHEN j.is_back AND d.state = 3 THEN -1 ELSE 0 END,
    is_measured = j.is_measured AND j.refusal IS NULL,
    worker = CASE WHEN j.is_back THEN '' ELSE d.worker END,
    lease_until = CASE WHEN j.refusal IS NULL
        THEN clock_timestamp() + %(lease)s * interval '1 second' END,
    justification_seq = CASE WHEN j.refusal IS NULL THEN j.event_seq ELSE d.justification_seq END,
    handing_at = CASE WHEN j.refusal IS NULL THEN clock_timestamp() ELSE d.handing_at END,
    relay = CASE WHEN j.refusal IS NULL THEN %(relay)s ELSE d.relay END,
    finished_at = CASE WHEN j.refusal IS NOT NULL AND NOT j.is_back THEN clock_timestamp() END
FROM verdict j
WHERE d.id = j.id AND d.state IN (2, 3) AND d.worker = %(worker)s
  AND d.lease_until > clock_timestamp()
RETURNING d.id, d.state, d.reason
