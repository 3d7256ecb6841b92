"""The page of calls: it shows whom to call, and acts by POST alone."""

from uuid import UUID, uuid4

import pytest
from django.test import Client

from consent.models import LedgerEvent, Suppression
from crm.models import TimelineEntry
from crm.services import create_segment
from privacy.models import TokenKind
from tests.conftest import NOW
from tests.crm.pages.arrivals import soup, unlabelled, words
from tests.crm.staff import staff_client
from tests.crm.test_calling import person

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]


@pytest.fixture
def alice(vault: None) -> UUID:
    return person("alice", phone="+33612345678")


def test_without_a_segment_nobody_is_shown(client: Client, alice: UUID) -> None:
    shown = words(client.get("/calls/"))
    assert "Choose whom to call" in shown
    assert "+33612345678" not in shown


def test_the_list_shows_number_reason_and_hours(client: Client, alice: UUID) -> None:
    person("objects", says_no=True)
    response = client.get("/calls/?segment=all")
    shown = words(response)
    for expected in (
        "Alice",
        "+33612345678",
        "Was informed and did not object.",
        "Professional",
        "Monday to Friday, 10 to 13 and 14 to 20 o'clock",
        "The person objected.",
    ):
        assert expected in shown, expected
    assert "Objects" not in shown
    assert unlabelled(soup(response)) == []


def test_a_segment_is_a_list_and_another_word_is_none(client: Client, alice: UUID) -> None:
    rules = {"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["en"]}]}
    segment = create_segment(name="English", rules=rules, now=NOW)
    assert "Nobody here may be called" in words(client.get(f"/calls/?segment={segment}"))
    assert "Alice" not in words(client.get("/calls/?segment=nonsense"))
    assert client.get("/calls/?segment=all&after=nonsense").status_code == 200


def _post(client: Client, contact: UUID, what: str, source: UUID) -> int:
    given = {"source": str(source), "segment": "all"}
    response = client.post(f"/calls/{contact}/{what}", given)
    assert response.headers.get("Location", "/calls/?segment=all") == "/calls/?segment=all"
    return response.status_code


def test_said_no_takes_the_person_off_every_list(client: Client, alice: UUID) -> None:
    source = uuid4()
    assert [_post(client, alice, "no", source) for _twice in range(2)] == [302, 302]
    assert "+33612345678" not in words(client.get("/calls/?segment=all"))
    kept = Suppression.objects.filter(kind=TokenKind.PHONE)
    assert list(kept.values_list("purpose_code", flat=True)) == ["phone_prospecting"]
    assert TimelineEntry.objects.filter(contact=alice, kind="no").count() == 1


def test_called_is_noted_on_the_timeline_once(client: Client, alice: UUID) -> None:
    source = uuid4()
    assert [_post(client, alice, "called", source) for _twice in range(2)] == [302, 302]
    assert TimelineEntry.objects.filter(contact=alice, kind="called").count() == 1
    assert "Was called" in words(client.get(f"/contacts/{alice}/"))


def test_a_get_changes_nothing(client: Client, alice: UUID) -> None:
    before = LedgerEvent.objects.count(), TimelineEntry.objects.count()
    for path in ("no", "called"):
        assert client.get(f"/calls/{alice}/{path}").status_code == 405
    client.get("/calls/?segment=all")
    client.head("/calls/?segment=all")
    assert (LedgerEvent.objects.count(), TimelineEntry.objects.count()) == before


def test_a_wrong_post_is_refused(client: Client, alice: UUID) -> None:
    assert client.post(f"/calls/{alice}/no", {}).status_code == 400
    assert _post(client, uuid4(), "no", uuid4()) == 404
    assert _post(client, uuid4(), "called", uuid4()) == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [("sales", 200), ("marketing", 200), ("communication", 200), ("dpo", 403), ("support", 403),
     ("dsi", 403), ("administrator", 403)],
)  # fmt: skip
def test_who_may_call(vault: None, role: str, status: int) -> None:
    assert staff_client(role, username=role).get("/calls/").status_code == status
