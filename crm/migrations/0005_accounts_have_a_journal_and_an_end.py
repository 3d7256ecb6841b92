from django.db import migrations, models

# The last standing holder of either role stays: whoever is active in it and has no last day. The
# lock makes two at once take turns; each statement of a function in READ COMMITTED sees what the
# other has committed meanwhile.
KEEP = """
CREATE FUNCTION crm_account_keeps_officers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('accord officers'));
    IF NOT EXISTS (
        SELECT FROM crm_account WHERE role = OLD.role AND is_active AND ends_on IS NULL
    ) THEN
        RAISE EXCEPTION 'there is always a data protection officer and a head of systems'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_last_officer';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER account_officer_leaves AFTER UPDATE ON crm_account
    FOR EACH ROW WHEN (
        OLD.role IN ('dpo', 'dsi') AND OLD.is_active AND OLD.ends_on IS NULL
        AND (NEW.role <> OLD.role OR NOT NEW.is_active OR NEW.ends_on IS NOT NULL)
    ) EXECUTE FUNCTION crm_account_keeps_officers();
CREATE TRIGGER account_officer_deleted AFTER DELETE ON crm_account
    FOR EACH ROW WHEN (
        OLD.role IN ('dpo', 'dsi') AND OLD.is_active AND OLD.ends_on IS NULL
    ) EXECUTE FUNCTION crm_account_keeps_officers();

CREATE FUNCTION crm_accountevent_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done to an account is written once'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER accountevent_keeps BEFORE UPDATE OR DELETE ON crm_accountevent
    FOR EACH ROW EXECUTE FUNCTION crm_accountevent_keeps();
CREATE TRIGGER accountevent_no_truncate BEFORE TRUNCATE ON crm_accountevent
    FOR EACH STATEMENT EXECUTE FUNCTION crm_accountevent_keeps();
"""
FORGET = """
DROP TRIGGER accountevent_no_truncate ON crm_accountevent;
DROP TRIGGER accountevent_keeps ON crm_accountevent;
DROP FUNCTION crm_accountevent_keeps();
DROP TRIGGER account_officer_deleted ON crm_account;
DROP TRIGGER account_officer_leaves ON crm_account;
DROP FUNCTION crm_account_keeps_officers();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0004_the_role_of_operations'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='ends_on',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='AccountEvent',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_id', models.UUIDField(null=True)),
                ('account_id', models.UUIDField()),
                ('what', models.CharField(max_length=32)),
                ('detail', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['account_id', '-at', '-id'], name='accountevent_newest')],
            },
        ),
        migrations.RunSQL(KEEP, FORGET, hints={"database": "default"}),
    ]
