"""What the tables of sequences promise whoever writes to them.

A person's passages go with their contact; a "no" to a purpose ends, in its own transaction, every
passage for it; a version that was activated does not change; who is where is counted by whatever
moves them.
"""

from django.db import migrations

CREATE = """
ALTER TABLE campaigns_enrolment ADD CONSTRAINT enrolment_goes_with_its_contact
    FOREIGN KEY (contact_id) REFERENCES crm_contact (id) ON DELETE CASCADE;
ALTER TABLE campaigns_sequencemember ADD CONSTRAINT sequencemember_goes_with_its_contact
    FOREIGN KEY (contact_id) REFERENCES crm_contact (id) ON DELETE CASCADE;
ALTER TABLE campaigns_colleaguenotice ADD CONSTRAINT colleaguenotice_goes_with_its_contact
    FOREIGN KEY (contact_id) REFERENCES crm_contact (id) ON DELETE CASCADE;
ALTER TABLE campaigns_enrolmentchange
    ADD CONSTRAINT enrolmentchange_goes_with_its_enrolment
    FOREIGN KEY (enrolment_id) REFERENCES campaigns_enrolment (id) ON DELETE CASCADE;
CREATE INDEX sequencemember_of_contact ON campaigns_sequencemember (contact_id);
CREATE INDEX colleaguenotice_of_contact ON campaigns_colleaguenotice (contact_id);

-- A "no" by whatever way it came. What permits again later begins no passage anew.
CREATE FUNCTION campaigns_no_ends_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns_enrolment e
    SET state = 'exited', reason = 'opted_out', due_at = NULL, ended_at = clock_timestamp()
    FROM campaigns_sequence s
    WHERE e.contact_id = NEW.subject_id AND e.state = 'active'
      AND s.id = e.sequence_id AND s.purpose_id = NEW.purpose_id;
    RETURN NULL;
END $$;
CREATE TRIGGER no_ends_passages AFTER INSERT OR UPDATE OF state ON consent_permission
    FOR EACH ROW WHEN (NEW.channel = 'email' AND NEW.state IN
        ('ConsentRefused', 'ConsentWithdrawn', 'ConsentRevoked', 'LegitimateInterestObjected'))
    EXECUTE FUNCTION campaigns_no_ends_passages();

CREATE FUNCTION campaigns_activated_version_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.activated_at IS NOT NULL THEN
        RAISE EXCEPTION 'an activated version of a sequence does not change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER activated_version_keeps BEFORE UPDATE ON campaigns_sequenceversion
    FOR EACH ROW EXECUTE FUNCTION campaigns_activated_version_keeps();

-- Where everybody is, as rows to be summed: one per place and statement, so that two writers
-- never wait for one another.
CREATE FUNCTION campaigns_place(state text, step text, reason text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 = 'active' THEN $2 ELSE '=' || $3 END
$$;
CREATE FUNCTION campaigns_count_arrivals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_stepmove (version_id, step, here, entered)
    SELECT n.version_id, campaigns_place(n.state, n.step, n.reason), count(*), 0
    FROM new_rows n GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE FUNCTION campaigns_count_departures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_stepmove (version_id, step, here, entered)
    SELECT o.version_id, campaigns_place(o.state, o.step, o.reason), -count(*), 0
    FROM old_rows o GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE FUNCTION campaigns_count_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_stepmove (version_id, step, here, entered)
    SELECT version_id, place, sum(n), 0 FROM (
        SELECT n.version_id, campaigns_place(n.state, n.step, n.reason) AS place, 1 AS n
        FROM new_rows n
        UNION ALL
        SELECT o.version_id, campaigns_place(o.state, o.step, o.reason), -1 FROM old_rows o
    ) moved GROUP BY 1, 2 HAVING sum(n) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER enrolments_count_arrivals AFTER INSERT ON campaigns_enrolment
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_count_arrivals();
CREATE TRIGGER enrolments_count_departures AFTER DELETE ON campaigns_enrolment
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_count_departures();
CREATE TRIGGER enrolments_count_moves AFTER UPDATE ON campaigns_enrolment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_count_moves();
"""
DROP = """
DROP TRIGGER enrolments_count_moves ON campaigns_enrolment;
DROP TRIGGER enrolments_count_departures ON campaigns_enrolment;
DROP TRIGGER enrolments_count_arrivals ON campaigns_enrolment;
DROP FUNCTION campaigns_count_moves();
DROP FUNCTION campaigns_count_departures();
DROP FUNCTION campaigns_count_arrivals();
DROP FUNCTION campaigns_place(text, text, text);
DROP TRIGGER activated_version_keeps ON campaigns_sequenceversion;
DROP FUNCTION campaigns_activated_version_keeps();
DROP TRIGGER no_ends_passages ON consent_permission;
DROP FUNCTION campaigns_no_ends_passages();
DROP INDEX colleaguenotice_of_contact, sequencemember_of_contact;
ALTER TABLE campaigns_colleaguenotice DROP CONSTRAINT colleaguenotice_goes_with_its_contact;
ALTER TABLE campaigns_sequencemember DROP CONSTRAINT sequencemember_goes_with_its_contact;
ALTER TABLE campaigns_enrolmentchange DROP CONSTRAINT enrolmentchange_goes_with_its_enrolment;
ALTER TABLE campaigns_enrolment DROP CONSTRAINT enrolment_goes_with_its_contact;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0008_sequences'),
        ("consent", "0011_gate_knows_balances"),
        ("crm", "0011_exports_that_fail_and_changed_numbers"),
    ]

    operations = [migrations.RunSQL(CREATE, DROP)]
