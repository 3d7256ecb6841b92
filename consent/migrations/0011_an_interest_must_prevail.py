"""The gate also refuses what rests on a legitimate interest that was found not to prevail.

The newest assessment of a purpose decides (GDPR 6(1)(f)): one that concludes otherwise ends the
basis for everybody at once, and not only on the forms that are published afterwards.
"""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("consent.migrations.0008_gate_knows_pauses").CREATE
_START = _BEFORE.index("CREATE FUNCTION consent_refusals")
_SET = _BEFORE[_START : _BEFORE.index("$$;", _START) + 3]
_NOW = _SET.replace(
    "WHEN u.is_marketing AND m.paused_until > now()",
    """WHEN p.basis = 'A6-1-f-controller' AND (
                          -- Once for the whole answer: the planner sees that it names no person.
                          SELECT a.outcome FROM consent_balancingassessment a
                          WHERE a.purpose_id = $1 ORDER BY a.version DESC LIMIT 1
                      ) = 'does_not_prevail' THEN 'interest_outweighed'
                      WHEN u.is_marketing AND m.paused_until > now()""",
)


class Migration(migrations.Migration):
    dependencies = [("consent", "0010_cards_of_merged_people")]

    operations = [
        migrations.RunSQL(
            _NOW.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
            _SET.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
            hints={"database": "default"},
        )
    ]
