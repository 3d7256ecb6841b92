from django.db import migrations

# One call a statement, not one a row, and several subjects a message: writing in bulk stays quick.
# 130 lines of at most 60 bytes are below the 8,000 bytes that a message may have.
CREATE = """
CREATE FUNCTION privacy_tell_documents() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines text;
BEGIN
    FOR lines IN
        SELECT string_agg(
            subject_id || CASE TG_OP WHEN 'DELETE' THEN ' gone' ELSE ' ' || rev END, E'\\n'
        )
        FROM (
            SELECT subject_id, rev, (row_number() OVER () - 1) / 130 AS part
            FROM changed WHERE retention_class = 1
        ) numbered
        GROUP BY part
    LOOP
        PERFORM pg_notify('accord_documents', lines);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER documents_inserted_are_told AFTER INSERT ON blob
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_tell_documents();
CREATE TRIGGER documents_updated_are_told AFTER UPDATE ON blob
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_tell_documents();
CREATE TRIGGER documents_deleted_are_told AFTER DELETE ON blob
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_tell_documents();
"""
DROP = """
DROP TRIGGER documents_inserted_are_told ON blob;
DROP TRIGGER documents_updated_are_told ON blob;
DROP TRIGGER documents_deleted_are_told ON blob;
DROP FUNCTION privacy_tell_documents();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0007_a_destroyed_key_stays_destroyed")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
