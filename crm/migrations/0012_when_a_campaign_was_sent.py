"""Segments ask who was sent something in the last days: a summary by blocks of the table."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0011_exports_that_fail_and_changed_numbers'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='contactcampaign',
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=['sent_at'], name='contactcampaign_sent'
            ),
        ),
    ]
