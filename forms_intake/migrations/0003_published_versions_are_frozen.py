"""A published version of a form never changes: what was asked, on which basis, with which words.

So a basis cannot be swapped later, by no code and by no hand on the tables (GDPR 5(1)(a), 6: the
person was told a basis, and it is that one).
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION forms_intake_refuse_thaw() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    version_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'forms_intake_formpurpose' THEN
        FOREACH version_id IN ARRAY ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.form_version_id END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.form_version_id END]
        LOOP
            IF EXISTS (SELECT 1 FROM forms_intake_formversion v
                       WHERE v.id = version_id AND v.published_at IS NOT NULL) THEN
                RAISE EXCEPTION 'a published version of a form cannot be changed'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
        END LOOP;
    ELSIF OLD.published_at IS NOT NULL AND (
        TG_OP = 'DELETE'
        -- Only its place in the world may change: shown, and no longer shown.
        OR to_jsonb(NEW) - ARRAY['projected_at', 'retired_at']
            IS DISTINCT FROM to_jsonb(OLD) - ARRAY['projected_at', 'retired_at']) THEN
        RAISE EXCEPTION 'a published version of a form cannot be changed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER formpurpose_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON forms_intake_formpurpose
    FOR EACH ROW EXECUTE FUNCTION forms_intake_refuse_thaw();
CREATE TRIGGER formversion_is_frozen BEFORE UPDATE OR DELETE ON forms_intake_formversion
    FOR EACH ROW EXECUTE FUNCTION forms_intake_refuse_thaw();
"""

DROP = """
DROP TRIGGER formversion_is_frozen ON forms_intake_formversion;
DROP TRIGGER formpurpose_is_frozen ON forms_intake_formpurpose;
DROP FUNCTION forms_intake_refuse_thaw();
"""


class Migration(migrations.Migration):
    dependencies = [("forms_intake", "0002_whom_a_form_speaks_to")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
