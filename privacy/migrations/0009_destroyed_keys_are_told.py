from django.db import migrations

# Keys that are made or wrapped anew need not be told: a document comes after its key, and the
# same key opens what it opened before.
CREATE = """
CREATE FUNCTION privacy_tell_keys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines text;
BEGIN
    FOR lines IN
        SELECT string_agg(subject_id || ' gone', E'\\n')
        FROM (
            SELECT subject_id, (row_number() OVER () - 1) / 130 AS part
            FROM changed WHERE retention_class = 1
        ) numbered
        GROUP BY part
    LOOP
        PERFORM pg_notify('accord_keys', lines);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER keys_deleted_are_told AFTER DELETE ON dek
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_tell_keys();
"""
DROP = """
DROP TRIGGER keys_deleted_are_told ON dek;
DROP FUNCTION privacy_tell_keys();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0008_changes_of_profiles_are_told")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "vault"})]
