"""The gate also knows that an interest was found not to prevail (GDPR 6(1)(f)): what rests on it,
from whenever it is and by whatever way it came, permits nothing from that moment on.
"""

from importlib import import_module

from django.db import migrations

CREATE = """
CREATE OR REPLACE FUNCTION consent_refusals(purpose text, channel text)
RETURNS TABLE (subject_id uuid, refusal text, basis text, event_seq bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p.subject_id, CASE
        WHEN p.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected')
            THEN CASE WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
                      WHEN p.basis = 'A6-1-f-controller' AND a.outcome = 'does_not_prevail'
                          THEN 'not_prevailing'
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
    -- The newest: joined to the one purpose, not asked of every person.
    LEFT JOIN consent_balancingassessment a ON a.purpose_id = u.code AND a.version = (
        SELECT max(n.version) FROM consent_balancingassessment n WHERE n.purpose_id = u.code)
    LEFT JOIN consent_mailingpreference m ON m.subject_id = p.subject_id
    WHERE p.purpose_id = $1 AND p.channel = $2
$$;

-- A letter of information says what we mean to do: not when we do not mean to any more.
CREATE OR REPLACE FUNCTION consent_letter_refusal(request uuid, subject uuid, marks bytea)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN consent_is_suppressed(1, $3, q.purpose_id::text) THEN 'suppressed'
        WHEN u.retired_at IS NOT NULL THEN 'purpose_retired'
        WHEN (SELECT a.outcome FROM consent_balancingassessment a
              WHERE a.purpose_id = q.purpose_id ORDER BY a.version DESC LIMIT 1)
            = 'does_not_prevail' THEN 'not_prevailing'
        WHEN r.refusal IN ('refused', 'withdrawn', 'objected') THEN r.refusal END
    FROM consent_letterrequest q
    LEFT JOIN consent_purpose u ON u.code = q.purpose_id
    LEFT JOIN LATERAL consent_refusals(q.purpose_id, 'email') r ON r.subject_id = $2
    WHERE q.id = $1
$$;
"""

_PAUSES = import_module("consent.migrations.0008_gate_knows_pauses")
DROP = f"{_PAUSES.DROP}{_PAUSES.CREATE}"


class Migration(migrations.Migration):
    dependencies = [("consent", "0010_cards_of_merged_people")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
