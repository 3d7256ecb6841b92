"""Existing rows take the new columns: what a permission was folded from, purposes as published."""

from django.db import migrations, models

FILL = """
UPDATE consent_permission SET folded_at = since, folded_seq = event_id WHERE folded_at IS NULL;
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
