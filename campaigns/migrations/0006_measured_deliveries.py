"""Segments ask of whom a message was measured: an index over those alone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0005_doubts_are_looked_up'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_measured', True)), fields=['campaign', 'contact_id'], name='delivery_measured'),
        ),
    ]
