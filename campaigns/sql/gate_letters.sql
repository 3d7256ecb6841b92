-- The gate of required letters. The confirmation of an address asks no purpose, because the letter
-- itself asks, and a "no" in the past must not prevent a person's new "yes". A letter of
-- information (GDPR 14) is not sent to whoever said no meanwhile: consent_letter_refusal.
-- The journal and the lease hold as for newsletters (gate.sql). A restricted or erased person is
-- not written to.
-- Indexes: primary keys.
WITH batch AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(marks)s::bytea[]) AS b (id, marks)
), journal AS (
    SELECT 1 FROM privacy_journalapplied
    WHERE journal_id = %(journal_id)s AND applied_seq = %(journal_seq)s
), judged AS (
    SELECT d.id,
           CASE WHEN c.id IS NULL THEN 'erased'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN d.kind = 4 THEN consent_letter_refusal(d.reference_id, d.contact_id, b.marks)
           END AS refusal
    FROM batch b
    JOIN campaigns_delivery d ON d.id = b.id AND d.campaign_id IS NULL
    LEFT JOIN crm_contact c ON c.id = d.contact_id
    WHERE EXISTS (SELECT 1 FROM journal)
)
UPDATE campaigns_delivery d
SET state = CASE WHEN j.refusal IS NULL THEN 3 ELSE 6 END,
    reason = coalesce(j.refusal, ''),
    attempts = d.attempts + CASE WHEN j.refusal IS NULL AND d.state = 2 THEN 1 ELSE 0 END,
    lease_until = CASE WHEN j.refusal IS NULL
        THEN clock_timestamp() + %(lease)s * interval '1 second' END,
    handing_at = CASE WHEN j.refusal IS NULL THEN clock_timestamp() ELSE d.handing_at END,
    relay = CASE WHEN j.refusal IS NULL THEN %(relay)s ELSE d.relay END,
    finished_at = CASE WHEN j.refusal IS NOT NULL THEN clock_timestamp() END
FROM judged j
WHERE d.id = j.id AND d.state IN (2, 3) AND d.worker = %(worker)s
  AND d.lease_until > clock_timestamp()
RETURNING d.id, d.state, d.reason
