"""What no code of ours may get wrong, in the database.

- What is published is never changed: purposes, assessments, rules, seals.
- Every append to the ledger holds a shared lock until it commits, so that whoever seals can wait
  for the rows that are on their way and cut behind them.
- A permission rests on an event of the same person, purpose and channel, and no import, merge or
  member of staff can make one; after a "no" only the person's own confirmed act can.
"""

from django.db import migrations

CREATE = """
CREATE TRIGGER purposeversion_no_change BEFORE UPDATE OR DELETE ON consent_purposeversion
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER assessment_no_change BEFORE UPDATE OR DELETE ON consent_balancingassessment
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER legalrule_no_change BEFORE UPDATE OR DELETE ON consent_legalrule
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER seal_no_change BEFORE UPDATE OR DELETE ON consent_seal
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();

-- 79 is the ledger's lock. Before the statement, so before any of its rows takes a number.
CREATE FUNCTION consent_hold_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(79);
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_is_held BEFORE INSERT ON consent_ledgerevent
    FOR EACH STATEMENT EXECUTE FUNCTION consent_hold_ledger();

CREATE FUNCTION consent_guard_permission() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said record;
BEGIN
    SELECT e.subject_id, e.purpose_id, e.channel, e.event_state, e.method INTO said
    FROM consent_ledgerevent e WHERE e.seq = NEW.event_id;
    IF (said.subject_id, said.purpose_id, said.channel, said.event_state)
        IS DISTINCT FROM (NEW.subject_id, NEW.purpose_id, NEW.channel, NEW.state) THEN
        RAISE EXCEPTION 'a permission rests on an event that says something else'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF said.method NOT IN
        ('form', 'double_opt_in', 'preference_centre', 'undo', 'information_letter') THEN
        RAISE EXCEPTION 'a permission cannot be made by %', said.method
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- Only where the state is one that permits: a "no" from any side is always welcome.
CREATE TRIGGER permission_is_the_persons_own BEFORE INSERT OR UPDATE ON consent_permission
    FOR EACH ROW
    WHEN (NEW.state IN ('ConsentGiven', 'RenewedConsentGiven', 'LegitimateInterestNotObjected'))
    EXECUTE FUNCTION consent_guard_permission();
"""

DROP = """
DROP TRIGGER permission_is_the_persons_own ON consent_permission;
DROP FUNCTION consent_guard_permission();
DROP TRIGGER ledger_is_held ON consent_ledgerevent;
DROP FUNCTION consent_hold_ledger();
DROP TRIGGER seal_no_change ON consent_seal;
DROP TRIGGER legalrule_no_change ON consent_legalrule;
DROP TRIGGER assessment_no_change ON consent_balancingassessment;
DROP TRIGGER purposeversion_no_change ON consent_purposeversion;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0006_what_was_folded_and_published")]

    operations = [migrations.RunSQL(CREATE, DROP, hints={"database": "default"})]
