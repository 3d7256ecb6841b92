"""Existing rows take the new columns: what a permission was folded from, purposes as published."""

from django.db import migrations, models

FILL = """
-- The last event of each, also where it changed nothing: it has been folded (consent/folding.py).
UPDATE consent_permission p SET folded_at = said.event_at, folded_seq = said.seq
FROM (
    SELECT DISTINCT ON (e.subject_id, e.purpose_id, e.channel)
        e.subject_id, e.purpose_id, e.channel, e.event_at, e.seq
    FROM consent_ledgerevent e WHERE e.event_state <> 'NoticeCommunicated'
    ORDER BY e.subject_id, e.purpose_id, e.channel, e.event_at DESC, e.seq DESC
) said
WHERE p.folded_at IS NULL AND p.subject_id = said.subject_id
  AND p.purpose_id = said.purpose_id AND p.channel = said.channel;
UPDATE consent_purpose SET published_at = now() WHERE published_at IS NULL;
"""


class Migration(migrations.Migration):
    # The rows are written before the columns are closed: PostgreSQL refuses both in one go.
    atomic = False
    dependencies = [("consent", "0005_what_the_officer_writes")]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop, hints={"database": "default"}),
        migrations.AlterField("permission", "folded_at", models.DateTimeField()),
        migrations.AlterField("permission", "folded_seq", models.BigIntegerField()),
    ]
