from django.db import migrations, models

KEEP = """
CREATE FUNCTION crm_supportticket_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE'
        OR (OLD.id, OLD.reference, OLD.opened_by, OLD.opened_at, OLD.closes_at)
            IS DISTINCT FROM
            (NEW.id, NEW.reference, NEW.opened_by, NEW.opened_at, NEW.closes_at)
        OR (OLD.contact_id IS NOT NULL AND OLD.contact_id IS DISTINCT FROM NEW.contact_id)
        OR OLD.closed_at IS NOT NULL OR NEW.searches < OLD.searches
    THEN
        RAISE EXCEPTION 'a ticket is about one person, and closed for good'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER supportticket_keeps BEFORE UPDATE OR DELETE ON crm_supportticket
    FOR EACH ROW EXECUTE FUNCTION crm_supportticket_keeps();
CREATE TRIGGER supportticket_no_truncate BEFORE TRUNCATE ON crm_supportticket
    FOR EACH STATEMENT EXECUTE FUNCTION crm_supportticket_keeps();
"""
FORGET = """
DROP TRIGGER supportticket_no_truncate ON crm_supportticket;
DROP TRIGGER supportticket_keeps ON crm_supportticket;
DROP FUNCTION crm_supportticket_keeps();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0005_accounts_have_a_journal_and_an_end'),
    ]

    operations = [
        migrations.CreateModel(
            name='SupportTicket',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=20)),
                ('contact_id', models.UUIDField(null=True)),
                ('opened_by', models.UUIDField()),
                ('opened_at', models.DateTimeField()),
                ('closes_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.UUIDField(null=True)),
                ('searches', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['-opened_at', '-id'], name='ticket_newest'), models.Index(fields=['opened_by', '-opened_at', '-id'], name='ticket_of_account'), models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['closes_at'], name='ticket_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reference__regex', '^[A-Z]{0,8}-?[0-9]{1,8}$')), name='ticket_reference_is_a_number'), models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opened_at'))), name='ticket_ends')],
            },
        ),
        migrations.RunSQL(KEEP, FORGET, hints={"database": "default"}),
    ]
