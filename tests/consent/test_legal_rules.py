"""Rules of law are settings with a source, and what held at any moment stays known."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import errors

from consent import services
from consent.legal_rules import RULES
from consent.models import LegalRule
from consent.services import RuleRefused, RuleUnknown
from tests.conftest import NOW, Connect
from tests.consent.officer import DOMINIQUE

pytestmark = pytest.mark.django_db
COUNSEL = "Advice of counsel, 23 November 2026"


def change(code: str, value: str, *, source: str = COUNSEL, at: datetime = NOW) -> None:
    services.change_legal_rule(code=code, value=value, source=source, actor_id=DOMINIQUE, now=at)


def test_the_defaults_are_the_law_with_its_source() -> None:
    held = {each.rule.code: each.reading for each in services.legal_rules(at=NOW)}
    assert {code: reading.value for code, reading in held.items()} == {
        "phone_prospecting.consumers": "opt_in",
        "phone_prospecting.professionals": "opt_out",
        "email_prospecting.consumers": "opt_in",
        "email_prospecting.professionals": "opt_out",
        "retention.prospect_days": "1095",
        "reask.months": "6",
    }
    assert "L.223-1" in held["phone_prospecting.consumers"].source
    assert "2025-594" in held["phone_prospecting.consumers"].source
    assert "L.34-5" in held["email_prospecting.consumers"].source
    assert all(reading.source for reading in held.values())


def test_calling_consumers_needs_consent_from_the_day_of_the_law() -> None:
    the_day = datetime(2026, 8, 10, 22, 0, tzinfo=UTC)  # midnight of the 11th in Paris
    code = "phone_prospecting.consumers"
    assert services.legal_rule(code=code, at=the_day - timedelta(seconds=1)) == "opt_out"
    assert services.legal_rule(code=code, at=the_day) == "opt_in"


def test_a_change_is_a_dated_row_with_its_author_and_what_held_stays_known() -> None:
    change("reask.months", "12")
    assert services.legal_rule(code="reask.months", at=NOW) == "12"
    assert services.legal_rule(code="reask.months", at=NOW - timedelta(seconds=1)) == "6"
    rule = next(r for r in services.legal_rules(at=NOW) if r.rule.code == "reask.months")
    assert [reading.value for reading in rule.readings] == ["12", "6"]
    assert (rule.reading.source, rule.reading.decided_by) == (COUNSEL, DOMINIQUE)
    change("reask.months", "12", at=NOW + timedelta(days=1))
    assert LegalRule.objects.count() == 1


def test_a_decision_does_not_outlive_a_later_law() -> None:
    code = "phone_prospecting.consumers"
    change(code, "opt_out", at=datetime(2026, 1, 5, tzinfo=UTC))
    assert services.legal_rule(code=code, at=NOW) == "opt_in"
    change(code, "opt_out", at=NOW)
    assert services.legal_rule(code=code, at=NOW) == "opt_out"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("phone_prospecting.consumers", "perhaps"),
        ("phone_prospecting.consumers", ""),
        ("retention.prospect_days", "29"),
        ("retention.prospect_days", "4000"),
        ("retention.prospect_days", "three"),
        ("reask.months", "٦"),
    ],
)
def test_a_rule_takes_the_values_it_can_have(code: str, value: str) -> None:
    with pytest.raises(RuleRefused) as refusal:
        change(code, value)
    assert refusal.value.field == "value"
    assert not LegalRule.objects.exists()


@pytest.mark.parametrize("source", ["", "   because  ", "x" * 2001])
def test_a_change_needs_its_source_in_writing(source: str) -> None:
    with pytest.raises(RuleRefused) as refusal:
        change("reask.months", "12", source=source)
    assert refusal.value.field == "source"


def test_a_rule_that_is_not_there_is_named_as_such() -> None:
    with pytest.raises(RuleUnknown):
        change("fax_prospecting.consumers", "opt_in")
    with pytest.raises(RuleUnknown):
        services.legal_rule(code="fax_prospecting.consumers", at=NOW)


@pytest.mark.parametrize(
    ("channel", "is_professional", "wanted"),
    [
        ("phone", False, True),
        ("phone", True, False),
        ("email", False, True),
        ("email", True, False),
        ("sms", False, True),
        ("post", False, False),
    ],
)
def test_whether_consent_is_wanted(channel: str, is_professional: bool, wanted: bool) -> None:
    said = services.consent_wanted(channel=channel, is_professional=is_professional, now=NOW)
    assert said is wanted


def test_whether_consent_is_wanted_follows_the_setting() -> None:
    change("phone_prospecting.professionals", "opt_in")
    assert services.consent_wanted(channel="phone", is_professional=True, now=NOW)
    assert not services.consent_wanted(channel="email", is_professional=True, now=NOW)


def test_no_role_changes_a_decision_that_was_taken(connect: Connect) -> None:
    with connect("owner", "crm") as connection:
        connection.execute(
            "INSERT INTO consent_legalrule (id, code, value, source, decided_at)"
            " VALUES (gen_random_uuid(), 'reask.months', '12', 'A source', now())"
        )
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("UPDATE consent_legalrule SET value = '1'")


def test_every_default_is_a_value_that_the_rule_takes() -> None:
    for rule in RULES.values():
        assert all(rule.takes(reading.value) for reading in rule.defaults)
