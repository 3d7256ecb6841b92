"""The gate: whether a person may be reached for a purpose over a channel.

It lives in the database so that the statement that hands messages over can ask it of every row,
at that moment, and so that no other code ever decides the question differently.
"""

from django.db import migrations

CREATE = """
-- Null when permitted, else the reason in one word. One look at the permission row by its primary
-- key. A purpose without a row has never been asked for: nothing is permitted by silence.
CREATE FUNCTION consent_refusal(subject uuid, purpose text, channel text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p.subject_id IS NULL THEN 'no_permission'
        WHEN p.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected')
            THEN NULL
        WHEN p.state = 'ConsentRequested' THEN 'not_confirmed'
        WHEN p.state = 'ConsentRefused' THEN 'refused'
        WHEN p.state IN ('ConsentWithdrawn', 'ConsentRevoked') THEN 'withdrawn'
        WHEN p.state = 'ConsentExpired' THEN 'expired'
        WHEN p.state = 'LegitimateInterestObjected' THEN 'objected'
        ELSE 'no_permission' END
    FROM (SELECT) AS one_row
    LEFT JOIN consent_permission p
        ON p.subject_id = $1 AND p.purpose_id = $2 AND p.channel = $3
$$;

CREATE FUNCTION consent_permits(subject uuid, purpose text, channel text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT 1 FROM consent_permission p
        WHERE p.subject_id = $1 AND p.purpose_id = $2 AND p.channel = $3
          AND p.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected'))
$$;

-- A "no" to everything is kept under the empty purpose; the wide fingerprint is that of the
-- address without its +tag: either is enough. Kind 1 is e-mail.
CREATE FUNCTION consent_is_suppressed(exact bytea, wide bytea, purpose text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT 1 FROM consent_suppression s
        WHERE s.kind = 1 AND s.fingerprint IN ($1, $2) AND s.purpose_code IN ('', $3))
$$;
"""

DROP = """
DROP FUNCTION consent_is_suppressed(bytea, bytea, text);
DROP FUNCTION consent_permits(uuid, text, text);
DROP FUNCTION consent_refusal(uuid, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0002_ledger_is_append_only")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
