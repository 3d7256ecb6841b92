"""The gate's answer for everybody at once, for audiences and waterfalls.

A function that returns rows and is one SELECT is opened up by the planner, which then joins the
permissions in one pass. A call of consent_refusal per contact cannot be: six seconds for a million
contacts. The two older functions ask this one from here on: the gate has one opinion.
"""

from importlib import import_module

from django.db import migrations

CREATE = """
CREATE FUNCTION consent_refusals(purpose text, channel text)
RETURNS TABLE (subject_id uuid, refusal text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p.subject_id, CASE
        WHEN p.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected')
            THEN NULL
        WHEN p.state = 'ConsentRequested' THEN 'not_confirmed'
        WHEN p.state = 'ConsentRefused' THEN 'refused'
        WHEN p.state IN ('ConsentWithdrawn', 'ConsentRevoked') THEN 'withdrawn'
        WHEN p.state = 'ConsentExpired' THEN 'expired'
        WHEN p.state = 'LegitimateInterestObjected' THEN 'objected'
        ELSE 'no_permission' END
    FROM consent_permission p
    WHERE p.purpose_id = $1 AND p.channel = $2
$$;

-- A purpose without a row has never been asked for: nothing is permitted by silence.
CREATE OR REPLACE FUNCTION consent_refusal(subject uuid, purpose text, channel text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN r.subject_id IS NULL THEN 'no_permission' ELSE r.refusal END
    FROM (SELECT) AS one_row
    LEFT JOIN consent_refusals($2, $3) r ON r.subject_id = $1
$$;

CREATE OR REPLACE FUNCTION consent_permits(subject uuid, purpose text, channel text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT 1 FROM consent_refusals($2, $3) r WHERE r.subject_id = $1 AND r.refusal IS NULL)
$$;
"""

_BEFORE = import_module("consent.migrations.0003_gate").CREATE
DROP = f"""
{_BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")}
DROP FUNCTION consent_refusals(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_gate")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
