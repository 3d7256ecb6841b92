"""Figures of campaigns as the worker counted them, and the links that were followed.

The keys of the second table are written by hand: Django cannot say ON DELETE CASCADE yet, and no
statement that forgets a measured message shall have to think of its links.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
ALTER TABLE campaigns_measuredclick
    ADD CONSTRAINT measuredclick_message FOREIGN KEY (message_id)
        REFERENCES campaigns_measuredmessage (delivery_id) ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT measuredclick_link FOREIGN KEY (link_id)
        REFERENCES campaigns_trackedlink (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
"""
BACKWARD = """
ALTER TABLE campaigns_measuredclick
    DROP CONSTRAINT measuredclick_message, DROP CONSTRAINT measuredclick_link
"""


class Migration(migrations.Migration):
    dependencies = [('campaigns', '0015_people_written_to_alone')]

    operations = [
        migrations.CreateModel(
            name="CampaignResult",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="campaigns.campaign",
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("counted_at", models.DateTimeField(null=True)),
                ("took_ms", models.PositiveIntegerField(default=0)),
                ("version", models.PositiveSmallIntegerField(default=0)),
                ("figures", models.JSONField(null=True)),
            ],
            options={"indexes": [models.Index(fields=["due_at"], name="campaign_result_due")]},
        ),
        migrations.CreateModel(
            name="MeasuredClick",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "message_id",
                        "link_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="campaigns.measuredmessage",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="campaigns.trackedlink",
                    ),
                ),
                ("last_click_on", models.DateField()),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD, hints={"database": "default"}),
    ]
