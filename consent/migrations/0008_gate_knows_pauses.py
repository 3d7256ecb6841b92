"""The gate also knows pauses, retired purposes and people who were not told yet, and says on which
event a permission rests: every message can name its own justification.
"""

from importlib import import_module

from django.db import migrations

CREATE = """
DROP FUNCTION consent_refusals(text, text);
CREATE FUNCTION consent_refusals(purpose text, channel text)
RETURNS TABLE (subject_id uuid, refusal text, basis text, event_seq bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p.subject_id, CASE
        WHEN p.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected')
            THEN CASE WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
                      WHEN u.is_marketing AND m.paused_until > now() THEN 'on_pause' END
        WHEN p.state = 'ConsentRequested' THEN 'not_confirmed'
        WHEN p.state = 'ConsentRefused' THEN 'refused'
        WHEN p.state IN ('ConsentWithdrawn', 'ConsentRevoked') THEN 'withdrawn'
        WHEN p.state = 'ConsentExpired' THEN 'expired'
        WHEN p.state = 'LegitimateInterestObjected' THEN 'objected'
        WHEN p.state = 'LegitimateInterestUninformed' THEN 'not_informed'
        WHEN p.state = 'LegitimateInterestInformed' THEN 'just_informed'
        ELSE 'no_permission' END,
        p.basis, p.event_id
    FROM consent_permission p
    JOIN consent_purpose u ON u.code = p.purpose_id
    LEFT JOIN consent_mailingpreference m ON m.subject_id = p.subject_id
    WHERE p.purpose_id = $1 AND p.channel = $2
$$;

-- How often a person wants to hear from us, for the statements that plan and hand over.
CREATE FUNCTION consent_frequencies()
RETURNS TABLE (subject_id uuid, every_days smallint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT m.subject_id, m.every_days FROM consent_mailingpreference m
    WHERE m.every_days IS NOT NULL
$$;

-- `marks` is any number of fingerprints of 16 bytes, one behind the other: of the address and of
-- the address without its +tag, under every key that made fingerprints which are still kept.
-- An array and not a join: one look-up in the primary key for each, however long the list.
CREATE FUNCTION consent_is_suppressed(kind integer, marks bytea, purpose text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT 1 FROM consent_suppression s
        WHERE s.kind = $1 AND s.purpose_code IN ('', $3)
          AND s.fingerprint = ANY (ARRAY(
              SELECT substring($2 FROM 16 * i + 1 FOR 16)
              FROM generate_series(0, length($2) / 16 - 1) AS i)))
$$;

-- Whether a letter of information (GDPR 14) may still go to a person: null, or why not.
CREATE FUNCTION consent_letter_refusal(request uuid, subject uuid, marks bytea) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN consent_is_suppressed(1, $3, q.purpose_id::text) THEN 'suppressed'
        WHEN r.refusal IN ('refused', 'withdrawn', 'objected', 'purpose_retired') THEN r.refusal END
    FROM consent_letterrequest q
    LEFT JOIN LATERAL consent_refusals(q.purpose_id, 'email') r ON r.subject_id = $2
    WHERE q.id = $1
$$;
"""

_GATE_AS_A_SET = import_module("consent.migrations.0004_refusals_as_a_set").CREATE
DROP = f"""
DROP FUNCTION consent_letter_refusal(uuid, uuid, bytea);
DROP FUNCTION consent_is_suppressed(integer, bytea, text);
DROP FUNCTION consent_frequencies();
DROP FUNCTION consent_refusals(text, text);
{_GATE_AS_A_SET}
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0007_integrity_in_the_database")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
