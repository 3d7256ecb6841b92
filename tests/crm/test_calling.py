"""Whom staff may call: the gate, the number, the law of consumers, and nobody else."""

from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from consent import services
from consent.models import MailingPreference
from consent.services import Answer, Basis
from crm import calling
from crm.calling import CallList, call_list, note_call
from crm.contacts import ContactUnknown, record_no
from crm.models import Contact, TimelineEntry
from crm.services import Facets, Person, receive_many
from tests.conftest import NOW
from tests.consent.people import decide, later, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def person(
    name: str,
    *,
    basis: str = Basis.LEGITIMATE_INTEREST,
    says_no: bool = False,
    is_asked: bool = True,
    phone: str | None = None,
    is_professional: bool = True,
) -> UUID:
    """Somebody with a number of their own, who was asked whether they may be called."""
    email = f"{name}@example.org"
    number = f"+3361234{sum(name.encode()) % 10000:04d}" if phone is None else phone
    facets: Facets = {"language": "fr", "source": "test"}
    who = Person(email=email, given_name=name.title(), phone=number)
    contact = receive_many(people=[(who, facets)], now=NOW)[0]
    Contact.objects.filter(id=contact).update(is_professional=is_professional)
    if is_asked:
        services.seed_purposes(now=NOW)
        is_interest = basis == Basis.LEGITIMATE_INTEREST
        assessment = services.current_assessment(purpose_code="phone_prospecting")
        answer = Answer(
            "phone_prospecting",
            "phone",
            basis,
            assessment if is_interest else None,
            says_no if is_interest else not says_no,
            "Calls",
        )
        submit(contact, answer, email=email, needs_confirmation=False)
    return contact


def _list(*, now: datetime = NOW, after: UUID | None = None) -> CallList:
    return call_list(rules=None, after=after, now=now)


def _listed(*, now: datetime = NOW) -> list[UUID]:
    return [line.contact.id for line in _list(now=now).lines]


def _reasons(*, now: datetime = NOW) -> dict[str, int]:
    return {step.reason_code: step.contacts for step in _list(now=now).fall.steps}


def test_only_who_may_be_called_is_shown_and_everybody_else_is_counted() -> None:
    alice = person("alice")
    person("objects", says_no=True)
    person("charlie", is_asked=False)
    person("nophone", phone="")
    restricted = person("restricted")
    Contact.objects.filter(id=restricted).update(restricted_at=NOW)
    paused = person("paused")
    MailingPreference.objects.create(
        subject_id=paused, paused_until=later(days=3650), changed_at=NOW, source_id=uuid4()
    )
    found = _list()
    assert [line.contact.id for line in found.lines] == [alice]
    assert found.lines[0].profile.phone.startswith("+33")
    assert _reasons() == {
        "no_address": 1,
        "restricted": 1,
        "no_permission": 1,
        "on_pause": 1,
        "objected": 1,
    }
    assert found.fall.members == found.fall.reachable + sum(_reasons().values())


def test_a_consumer_is_called_with_consent_alone() -> None:
    interest = person("interest", is_professional=False)
    consent = person("consent", is_professional=False, basis=Basis.CONSENT)
    professional = person("professional")
    assert set(_listed()) == {consent, professional}
    assert _reasons() == {"needs_consent": 1}
    assert {line.contact.id for line in _list().lines if line.is_consent} == {consent}
    # Before the law of 11 August 2026 an objection was enough.
    before = datetime(2026, 8, 10, 12, tzinfo=ZoneInfo("Europe/Paris"))
    assert interest in _listed(now=before)


def test_a_withdrawn_consent_is_not_called() -> None:
    consumer = person("consumer", is_professional=False, basis=Basis.CONSENT)
    record_no(
        contact_id=consumer,
        purpose_code="phone_prospecting",
        source_id=uuid4(),
        actor_id=uuid4(),
        now=later(hours=1),
    )
    assert _listed() == []
    assert _reasons() == {"withdrawn": 1}


def test_a_number_that_said_no_is_left_out_whoever_has_it() -> None:
    person("first", phone="+33612340000", says_no=True)
    person("second", phone="+33612340000")
    found = _list()
    assert found.lines == []
    assert (found.suppressed, found.fall.reachable) == (1, 1)


def test_an_address_that_said_no_to_everything_is_not_called() -> None:
    decide("by_address", email="alice@example.org", at=later(hours=-1))
    person("alice")
    assert _listed() == []


def test_a_consumer_is_called_four_times_in_thirty_days_and_a_professional_as_needed() -> None:
    consumer = person("consumer", is_professional=False, basis=Basis.CONSENT)
    professional = person("professional")
    for number in range(4):
        for contact in (consumer, professional):
            at = later(days=number)
            note_call(contact_id=contact, source_id=uuid4(), actor_id=uuid4(), now=at)
    assert _listed(now=later(days=4)) == [professional]
    assert _reasons(now=later(days=4)) == {"called_often": 1}
    assert set(_listed(now=later(days=31))) == {consumer, professional}


def test_a_consumer_outside_the_hours_is_marked() -> None:
    person("consumer", is_professional=False, basis=Basis.CONSENT)
    person("professional")
    evening = datetime(2026, 11, 23, 21, tzinfo=ZoneInfo("Europe/Paris"))
    assert {line.contact.is_professional: line.is_now for line in _list(now=evening).lines} == {
        True: True,
        False: False,
    }


def test_pages_follow_each_other_and_lose_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PAGE", 2)
    monkeypatch.setattr(calling, "LOOKED_AT", 3)
    people = [person(f"person{number}") for number in range(7)]
    decide("by_address", email="person2@example.org")
    seen: list[UUID] = []
    after, pages = None, 0
    while True:
        found = _list(after=after)
        seen += [line.contact.id for line in found.lines]
        after, pages = found.following, pages + 1
        if after is None:
            break
    assert seen == [who for number, who in enumerate(people) if number != 2]
    assert pages <= 5


def test_a_segment_narrows_the_list() -> None:
    person("alice")
    rules = {
        "match": "all",
        "rules": [
            {"fact": "language", "is": "one_of", "value": ["en"]},
            {"fact": "created", "is": "before", "value": "2030-01-31"},
        ],
    }
    assert call_list(rules=rules, after=None, now=NOW).fall.members == 0
    rules["rules"][0]["value"] = ["fr"]  # type: ignore[index]
    assert call_list(rules=rules, after=None, now=NOW).fall.reachable == 1


def test_the_list_takes_few_statements_whatever_its_length(
    django_assert_max_num_queries: object,
) -> None:
    for number in range(10):
        person(f"person{number}")
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        assert len(_list().lines) == 10


def test_a_call_is_noted_once() -> None:
    alice, source = person("alice"), uuid4()
    for _again in range(2):
        note_call(contact_id=alice, source_id=source, actor_id=uuid4(), now=NOW)
    assert TimelineEntry.objects.filter(contact=alice, kind="called").count() == 1
    assert _list().lines[0].last_called_at == NOW
    with pytest.raises(ContactUnknown):
        note_call(contact_id=uuid4(), source_id=source, actor_id=uuid4(), now=NOW)
