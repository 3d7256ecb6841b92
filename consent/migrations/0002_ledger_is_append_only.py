"""The ledger is append-only for every role, the owner of the tables included."""

from django.db import migrations

FORBID = """
CREATE FUNCTION consent_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON consent_ledgerevent
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON consent_ledgerevent
    FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER notice_no_change BEFORE UPDATE OR DELETE ON consent_notice
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER notice_no_truncate BEFORE TRUNCATE ON consent_notice
    FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse_change();
"""

ALLOW = """
DROP TRIGGER notice_no_truncate ON consent_notice;
DROP TRIGGER notice_no_change ON consent_notice;
DROP TRIGGER ledger_no_truncate ON consent_ledgerevent;
DROP TRIGGER ledger_no_change ON consent_ledgerevent;
DROP FUNCTION consent_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_tables")]

    operations = [migrations.RunSQL(FORBID, ALLOW, hints={"database": "default"})]
