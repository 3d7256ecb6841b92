"""The gate's answer for everybody at once, for audiences and waterfalls.

A function that returns rows and is one SELECT is opened up by the planner, which then joins the
permissions in one pass. A call of consent_refusal per contact cannot be: six seconds for a million
contacts. The reasons are the same words; a test holds the two against each other.
"""

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
"""

DROP = "DROP FUNCTION consent_refusals(text, text);"


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_gate")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
