-- The gate of messages to one person: the last question before one leaves. Each is judged for the
-- purpose of its own row at this moment.
-- Marketing is judged as a newsletter is: without a permission that holds, nothing leaves.
-- A purpose that is no marketing (answering a request, GDPR 6(1)(b)) needs no consent: an answer
-- (kind 6) rests on the request itself, a lead of this very contact. A person who has left a
-- newsletter is still answered. Nobody is who said no to this purpose, or to everything
-- (consent_is_suppressed), whose data are restricted or erased, or whose mailbox is gone.
-- One that another system asked for (kind 7) rests on the ground of its template, and is never
-- marketing, whatever anybody agreed to:
--   reply             a request of this contact; stopped as an answer is;
--   contract          GDPR 6(1)(b): article 21 gives no objection to it, and a no to everything is
--                     about marketing (21(2)); a no to this very purpose is kept to;
--   legal_obligation  GDPR 6(1)(c): no no stops it. Restriction does (18(2)), and so does erasure.
-- The journal and the lease hold as for newsletters (gate.sql).
-- Returns (id, state, reason) of the rows that moved.
-- Indexes: primary keys throughout; consent_suppression by (kind, fingerprint, purpose).
WITH batch AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(marks)s::bytea[]) AS b (id, marks)
), journal AS (
    SELECT 1 FROM privacy_journalapplied
    WHERE journal_id = %(journal_id)s AND applied_seq = %(journal_seq)s
), judged AS (
    SELECT d.id, r.event_seq,
           CASE WHEN c.id IS NULL THEN 'erased'
                WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                WHEN c.unreachable_at IS NOT NULL THEN 'unreachable'
                WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
                WHEN d.kind = 7 AND u.is_marketing THEN 'marketing'
                WHEN d.kind = 7 AND t.id IS NULL THEN 'no_ground'
                WHEN u.is_marketing AND r.subject_id IS NULL THEN 'no_permission'
                WHEN u.is_marketing AND r.refusal IS NOT NULL THEN r.refusal
                WHEN t.ground = 'legal_obligation' THEN NULL
                WHEN r.refusal IN ('refused', 'withdrawn', 'objected') THEN r.refusal
                WHEN d.kind = 6 AND l.id IS NULL THEN 'no_request'
                WHEN t.ground = 'reply' AND NOT EXISTS (
                    SELECT 1 FROM crm_lead own WHERE own.contact_id = d.contact_id)
                    THEN 'no_request'
                WHEN t.ground = 'contract' THEN
                    CASE WHEN consent_is_suppressed_for(1, b.marks, m.purpose_id)
                         THEN 'suppressed' END
                WHEN consent_is_suppressed(1, b.marks, m.purpose_id) THEN 'suppressed'
           END AS refusal
    FROM batch b
    JOIN campaigns_delivery d ON d.id = b.id AND d.campaign_id IS NULL
    JOIN campaigns_outgoingmessage m ON m.id = d.reference_id
    JOIN consent_purpose u ON u.code = m.purpose_id
    LEFT JOIN campaigns_transactionalmessage t ON t.id = m.id AND d.kind = 7
    LEFT JOIN crm_contact c ON c.id = d.contact_id
    LEFT JOIN crm_lead l ON l.id = m.lead_id AND l.contact_id = d.contact_id
    LEFT JOIN LATERAL consent_refusals(m.purpose_id, 'email') r ON r.subject_id = d.contact_id
    WHERE EXISTS (SELECT 1 FROM journal)
)
UPDATE campaigns_delivery d
SET state = CASE WHEN j.refusal IS NULL THEN 3 ELSE 6 END,
    reason = coalesce(j.refusal, ''),
    attempts = d.attempts + CASE WHEN j.refusal IS NULL AND d.state = 2 THEN 1 ELSE 0 END,
    lease_until = CASE WHEN j.refusal IS NULL
        THEN clock_timestamp() + %(lease)s * interval '1 second' END,
    justification_seq = CASE WHEN j.refusal IS NULL THEN j.event_seq ELSE d.justification_seq END,
    handing_at = CASE WHEN j.refusal IS NULL THEN clock_timestamp() ELSE d.handing_at END,
    relay = CASE WHEN j.refusal IS NULL THEN %(relay)s ELSE d.relay END,
    finished_at = CASE WHEN j.refusal IS NOT NULL THEN clock_timestamp() END
FROM judged j
WHERE d.id = j.id AND d.state IN (2, 3) AND d.worker = %(worker)s
  AND d.lease_until > clock_timestamp()
RETURNING d.id, d.state, d.reason
