"""What figures of campaigns ask of the ledger: what permitted, and who said no after it.

Two functions, as for the gate: the tables stay behind their app's door, and the planner opens the
functions up. Of the ledger's rows a "no" is the rare one, so it has an index of its own.
"""

from django.db import migrations, models

CREATE = """
CREATE FUNCTION consent_justifications()
RETURNS TABLE (seq bigint, basis text, event_state text, method text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e.seq, e.basis, e.event_state, e.method FROM consent_ledgerevent e
$$;

-- A "no" of the person to a purpose: withdrawn, or objected. What expired, or what the company
-- ended, is nobody's answer to a mail.
CREATE FUNCTION consent_noes(purpose text, channel text)
RETURNS TABLE (subject_id uuid, event_at timestamptz, method text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e.subject_id, e.event_at, e.method FROM consent_ledgerevent e
    WHERE e.purpose_id = $1 AND e.channel = $2 AND e.indicated_by = 'subject'
      AND e.event_state IN ('ConsentWithdrawn', 'LegitimateInterestObjected')
$$;
"""
DROP = """
DROP FUNCTION consent_noes(text, text);
DROP FUNCTION consent_justifications();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0011_gate_knows_balances")]

    operations = [
        migrations.AddIndex(
            model_name="ledgerevent",
            index=models.Index(
                fields=["purpose", "channel", "event_at"],
                condition=models.Q(
                    event_state__in=["ConsentWithdrawn", "LegitimateInterestObjected"]
                ),
                name="ledger_noes",
            ),
        ),
        migrations.RunSQL(CREATE, DROP, hints={"database": "default"}),
    ]
