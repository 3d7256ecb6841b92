"""What holds for the life of keys whoever writes: in the vault, and in crm's attestations."""

from django.db import migrations

VAULT = """
CREATE FUNCTION privacy_epoch_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number <= (SELECT max(number) FROM privacy_keyepoch) THEN
            RAISE EXCEPTION 'the number of an epoch is never used again'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.number, OLD.reason, OLD.made_at) IS NOT DISTINCT FROM
                (NEW.number, NEW.reason, NEW.made_at)
            AND (OLD.retired_at IS NULL OR OLD.retired_at IS NOT DISTINCT FROM NEW.retired_at)
            AND (OLD.destroyed_at IS NULL OR
                (OLD.destroyed_at, OLD.approval_id, OLD.file_sha256) IS NOT DISTINCT FROM
                (NEW.destroyed_at, NEW.approval_id, NEW.file_sha256))
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'an epoch is made, retired and destroyed once'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER keyepoch_keeps BEFORE INSERT OR UPDATE OR DELETE ON privacy_keyepoch
    FOR EACH ROW EXECUTE FUNCTION privacy_epoch_keeps();
CREATE TRIGGER keyepoch_no_truncate BEFORE TRUNCATE ON privacy_keyepoch
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_epoch_keeps();

-- As its owner: to lock the epoch's row against its destruction takes a right that no writer has.
-- Whoever destroys takes the row FOR UPDATE, and so waits for the writers that are under way.
CREATE FUNCTION privacy_refuse_destroyed() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    epochs integer[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        epochs := ARRAY(SELECT DISTINCT kek_epoch FROM fresh);
    ELSE
        epochs := ARRAY(SELECT kek_epoch FROM fresh EXCEPT SELECT kek_epoch FROM stale);
        IF epochs = '{}' THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM FROM privacy_keyepoch WHERE number = ANY(epochs) FOR KEY SHARE;
    IF EXISTS (
        SELECT FROM privacy_keyepoch WHERE number = ANY(epochs) AND destroyed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'nothing is wrapped under an epoch that was destroyed'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dek_under_a_living_epoch AFTER INSERT ON dek
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_destroyed();
CREATE TRIGGER dek_to_a_living_epoch AFTER UPDATE ON dek
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_destroyed();
CREATE TRIGGER sealing_under_a_living_epoch AFTER INSERT ON privacy_sealingkeypair
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_destroyed();
CREATE TRIGGER sealing_to_a_living_epoch AFTER UPDATE ON privacy_sealingkeypair
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_destroyed();
"""
NO_VAULT = """
DROP TRIGGER sealing_to_a_living_epoch ON privacy_sealingkeypair;
DROP TRIGGER sealing_under_a_living_epoch ON privacy_sealingkeypair;
DROP TRIGGER dek_to_a_living_epoch ON dek;
DROP TRIGGER dek_under_a_living_epoch ON dek;
DROP FUNCTION privacy_refuse_destroyed();
DROP TRIGGER keyepoch_no_truncate ON privacy_keyepoch;
DROP TRIGGER keyepoch_keeps ON privacy_keyepoch;
DROP FUNCTION privacy_epoch_keeps();
"""
CRM = """
CREATE FUNCTION privacy_attestation_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER keydestruction_no_change BEFORE UPDATE OR DELETE ON privacy_keydestruction
    FOR EACH ROW EXECUTE FUNCTION privacy_attestation_keeps();
CREATE TRIGGER keydestruction_no_truncate BEFORE TRUNCATE ON privacy_keydestruction
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_attestation_keeps();
"""
NO_CRM = """
DROP TRIGGER keydestruction_no_truncate ON privacy_keydestruction;
DROP TRIGGER keydestruction_no_change ON privacy_keydestruction;
DROP FUNCTION privacy_attestation_keeps();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0006_the_life_of_keys")]

    operations = [
        migrations.RunSQL(VAULT, NO_VAULT, hints={"database": "vault"}),
        migrations.RunSQL(CRM, NO_CRM, hints={"database": "default"}),
    ]
