"""Several relays: what they may carry and how fast, how they are, and what they were let through."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0011_launch_plans_and_rounds'),
    ]

    operations = [
        migrations.CreateModel(
            name='MailServiceLimit',
            fields=[
                ('service', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('per_second', models.PositiveIntegerField(null=True)),
                ('per_minute', models.PositiveIntegerField(null=True)),
                ('per_hour', models.PositiveIntegerField(null=True)),
                ('per_day', models.PositiveIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Relay',
            fields=[
                ('code', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('is_enabled', models.BooleanField(db_default=True)),
                ('weight', models.PositiveSmallIntegerField(db_default=100)),
                ('carries_letters', models.BooleanField(db_default=True)),
                ('carries_newsletters', models.BooleanField(db_default=True)),
                ('sender_domains', models.JSONField(default=list)),
                ('per_second', models.PositiveIntegerField(null=True)),
                ('per_minute', models.PositiveIntegerField(null=True)),
                ('per_hour', models.PositiveIntegerField(null=True)),
                ('per_day', models.PositiveIntegerField(null=True)),
                ('max_connections', models.PositiveSmallIntegerField(null=True)),
                ('warm_up_from', models.DateField(null=True)),
                ('warm_up_first_day', models.PositiveIntegerField(null=True)),
                ('warm_up_growth_percent', models.PositiveSmallIntegerField(null=True)),
                ('warm_up_days', models.PositiveSmallIntegerField(null=True)),
                ('address_print', models.BinaryField(null=True)),
                ('state', models.CharField(choices=[('closed', 'Closed'), ('open', 'Open'), ('half_open', 'Half Open')], default='closed', max_length=10)),
                ('failures', models.PositiveSmallIntegerField(db_default=0)),
                ('failure', models.CharField(blank=True, max_length=32)),
                ('failed_at', models.DateTimeField(null=True)),
                ('open_until', models.DateTimeField(null=True)),
                ('probe_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='RelayAllowance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service', models.CharField(blank=True, max_length=20)),
                ('used', models.JSONField(default=dict)),
                ('promised_until', models.DateTimeField(null=True)),
                ('paused_until', models.DateTimeField(null=True)),
                ('storms', models.PositiveSmallIntegerField(db_default=0)),
                ('slowed_to', models.FloatField(null=True)),
                ('slowed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='RelayChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor_id', models.UUIDField(null=True)),
                ('relay_code', models.CharField(blank=True, max_length=40)),
                ('service', models.CharField(blank=True, max_length=20)),
                ('what', models.CharField(max_length=12)),
                ('detail', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='RelaySlot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('worker', models.CharField(max_length=64)),
                ('lease_until', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('evidence__startswith', 'api:')), fields=['evidence'], name='delivery_of_provider'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('weight__range', (1, 1000))), name='relay_weight'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('warm_up_days__isnull', True), ('warm_up_first_day__isnull', True), ('warm_up_from__isnull', True), ('warm_up_growth_percent__isnull', True)), models.Q(('warm_up_days__range', (1, 365)), ('warm_up_first_day__gte', 1), ('warm_up_from__isnull', False), ('warm_up_growth_percent__range', (100, 1000))), _connector='OR'), name='relay_warm_up_whole'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('per_second__isnull', True), ('per_second__gte', 1), _connector='OR'), name='relay_per_second_positive'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('per_minute__isnull', True), ('per_minute__gte', 1), _connector='OR'), name='relay_per_minute_positive'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('per_hour__isnull', True), ('per_hour__gte', 1), _connector='OR'), name='relay_per_hour_positive'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('per_day__isnull', True), ('per_day__gte', 1), _connector='OR'), name='relay_per_day_positive'),
        ),
        migrations.AddConstraint(
            model_name='relay',
            constraint=models.CheckConstraint(condition=models.Q(('max_connections__isnull', True), ('max_connections__gte', 1), _connector='OR'), name='relay_max_connections_positive'),
        ),
        migrations.AddField(
            model_name='relayallowance',
            name='relay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='allowances', to='campaigns.relay'),
        ),
        migrations.AddField(
            model_name='relayslot',
            name='relay',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='campaigns.relay'),
        ),
        migrations.AddConstraint(
            model_name='relayallowance',
            constraint=models.UniqueConstraint(fields=('relay', 'service'), name='relay_allowance_once'),
        ),
        migrations.AddConstraint(
            model_name='relayallowance',
            constraint=models.CheckConstraint(condition=models.Q(('service__regex', '^[a-z]*$')), name='relay_allowance_of_a_service'),
        ),
        migrations.AddConstraint(
            model_name='relayallowance',
            constraint=models.CheckConstraint(condition=models.Q(('slowed_to__isnull', True), ('slowed_to__gt', 0), _connector='OR'), name='relay_allowance_slowed_positive'),
        ),
        migrations.AddConstraint(
            model_name='relayslot',
            constraint=models.UniqueConstraint(fields=('relay', 'number'), name='relay_slot_once'),
        ),
    ]
