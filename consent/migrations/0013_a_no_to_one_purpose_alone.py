"""Whether a no was said to one purpose alone: what rests on a contract is not ended by a no to all
of marketing."""

from django.db import migrations

CREATE = """
-- As consent_is_suppressed, without the no to everything. Not for marketing.
-- Index: consent_suppression by (kind, fingerprint, purpose).
CREATE FUNCTION consent_is_suppressed_for(kind integer, marks bytea, purpose text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT 1 FROM consent_suppression s
        WHERE s.kind = $1 AND s.purpose_code = $3
          AND s.fingerprint = ANY (ARRAY(
              SELECT substring($2 FROM 16 * i + 1 FOR 16)
              FROM generate_series(0, length($2) / 16 - 1) AS i)))
$$;
"""
DROP = "DROP FUNCTION consent_is_suppressed_for(integer, bytea, text);"


class Migration(migrations.Migration):
    dependencies = [('consent', '0012_what_results_ask')]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
