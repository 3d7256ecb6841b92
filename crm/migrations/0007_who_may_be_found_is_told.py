from django.db import migrations

# Who is a contact, and whose data must be left unused: ids alone, at commit. A restriction is told
# by row, because a statement's trigger would look at every change of any facet.
CREATE = """
CREATE FUNCTION crm_tell_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines text;
BEGIN
    FOR lines IN
        SELECT string_agg(id || ' here', E'\\n')
        FROM (SELECT id, (row_number() OVER () - 1) / 130 AS part FROM changed) numbered
        GROUP BY part
    LOOP
        PERFORM pg_notify('accord_contacts', lines);
    END LOOP;
    RETURN NULL;
END $$;
CREATE FUNCTION crm_tell_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('accord_contacts', OLD.id || ' changed');
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_made_are_told AFTER INSERT ON crm_contact
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION crm_tell_contacts();
CREATE TRIGGER restrictions_are_told AFTER UPDATE OF restricted_at ON crm_contact
    FOR EACH ROW WHEN (OLD.restricted_at IS DISTINCT FROM NEW.restricted_at)
    EXECUTE FUNCTION crm_tell_contact();
CREATE TRIGGER contacts_deleted_are_told AFTER DELETE ON crm_contact
    FOR EACH ROW EXECUTE FUNCTION crm_tell_contact();
"""
DROP = """
DROP TRIGGER contacts_made_are_told ON crm_contact;
DROP TRIGGER restrictions_are_told ON crm_contact;
DROP TRIGGER contacts_deleted_are_told ON crm_contact;
DROP FUNCTION crm_tell_contacts();
DROP FUNCTION crm_tell_contact();
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0006_tickets_of_customer_service")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
