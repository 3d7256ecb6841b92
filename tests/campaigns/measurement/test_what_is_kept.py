"""What a picture and a link answer, and what is kept of it: a day, of who agrees at that moment."""

import json
import queue
import threading
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.delivery.statements import statement
from campaigns.measurement import CLICK, OPEN, noticing, public_views
from campaigns.measurement.noticing import NOTEBOOK, Sighting
from campaigns.models import Campaign, Delivery, MeasuredMessage, PublishedLink, TrackedLink
from consent.models import LedgerEvent, MailingPreference, Permission, PreferenceCard
from consent.services import apply_waiting_decisions, refresh_cards
from crm.models import Contact
from privacy.models import Envelope
from privacy.services import (
    MeasureLink,
    card_of_link,
    claim_of_measure_link,
    drop_envelope,
    make_measure_link,
)
from tests.campaigns import cast
from tests.campaigns.measurement import cast as measured
from tests.campaigns.measurement.cast import ALICE, BOB, SITE, fetch, kept
from tests.conftest import NOW
from tests.consent import people
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
Seen = tuple[int, bytes, tuple[tuple[str, str], ...]]


@pytest.fixture
def alice() -> UUID:
    return measured.measured_reader()


@pytest.fixture
def mail(alice: UUID, inbox: Inbox) -> EmailMessage:
    """Alice's measured mail, with her card on the public side."""
    measured.sent()
    return inbox.to(ALICE)[0]


def _seen(visitor: Client, path: str) -> Seen:
    response = fetch(visitor, path)
    return response.status_code, response.content, tuple(sorted(response.headers.items()))


def _today() -> date:
    return timezone.localdate()


def _withdraw(alice: UUID, *, is_projected: bool = True) -> None:
    measured.decide(alice, ALICE, {"email_measurement": "no"})
    if is_projected:
        refresh_cards(now=cast.clock())


# --- an opening --------------------------------------------------------------------------------


def test_an_opening_is_kept_as_a_day_and_nothing_else(visitor: Client, mail: EmailMessage) -> None:
    status, body, headers = _seen(visitor, measured.picture_in(mail))
    assert (status, len(body), dict(headers)["Content-Type"]) == (200, 43, "image/gif")
    assert dict(headers)["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in dict(headers)
    assert kept() == [(_today(), None)]
    columns = {field.name for field in MeasuredMessage._meta.concrete_fields}
    assert columns == {"delivery", "campaign", "contact_id", "last_open_on", "last_click_on"}


def test_an_envelope_says_no_time_of_day(
    visitor: Client, mail: EmailMessage, settings: Settings
) -> None:
    journal = settings.INTAKE_JOURNAL_DIR
    before = sum(path.stat().st_size for path in journal.glob("*.log"))
    fetch(visitor, measured.picture_in(mail))
    row = Envelope.objects.get(kind="measure")
    assert row.received_at.time().isoformat() == "00:00:00"
    assert row.context == OPEN
    assert sum(path.stat().st_size for path in journal.glob("*.log")) == before


def test_a_later_day_goes_over_the_one_before_and_an_earlier_one_does_not(
    mail: EmailMessage, visitor: Client
) -> None:
    token = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    today = timezone.localdate()
    for days in (3, 1, 2):
        NOTEBOOK.note(Sighting(OPEN, token, today - timedelta(days=days)))
        NOTEBOOK.settle()
        found = kept()
    assert found == [(today - timedelta(days=1), None)]


def test_a_day_that_has_not_come_yet_is_today(mail: EmailMessage, visitor: Client) -> None:
    token = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    NOTEBOOK.note(Sighting(OPEN, token, timezone.localdate() + timedelta(days=400)))
    NOTEBOOK.settle()
    assert kept() == [(_today(), None)]


def test_the_picture_is_the_same_whatever_happened(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    """Held, withdrawn, altered, unknown, cut, empty: nobody can tell from the answer."""
    path = measured.picture_in(mail)
    held = _seen(visitor, path)
    letter = "A" if path[40] != "A" else "B"
    unknown = make_measure_link(scope=OPEN, link=MeasureLink(uuid4(), 987_654_321))
    for other in (
        path[:40] + letter + path[41:],
        f"/o/{unknown}.gif",
        "/o/x.gif",
        "/o/.gif",
        "/o/%00%0a%ff/../{{7*7}}.gif",
        f"/o/{'A' * 4000}.gif",
    ):
        assert _seen(visitor, other) == held, other
    _withdraw(alice)
    assert _seen(visitor, path) == held


def test_after_a_withdrawal_an_old_picture_records_nothing(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    _withdraw(alice)
    fetch(visitor, measured.picture_in(mail))
    fetch(visitor, measured.links_in(mail)[0])
    assert not Envelope.objects.filter(kind="measure").exists()
    assert kept() == []


def test_a_card_that_is_older_than_the_no_records_nothing(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    _withdraw(alice, is_projected=False)
    fetch(visitor, measured.picture_in(mail))
    assert Envelope.objects.filter(kind="measure").count() == 1  # the public copy still says yes
    assert kept() == []
    assert not Envelope.objects.exists()


def test_an_envelope_from_before_the_no_records_nothing(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    fetch(visitor, measured.picture_in(mail))
    _withdraw(alice)
    assert kept() == []


def test_during_a_pause_nothing_is_added_and_nothing_is_lost(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    fetch(visitor, measured.picture_in(mail))
    before = kept()
    MailingPreference.objects.create(
        subject_id=alice,
        paused_until=cast.clock() + timedelta(days=30),
        changed_at=NOW,
        source_id=uuid4(),
    )
    fetch(visitor, measured.links_in(mail)[0])
    services.forget_measures()
    assert kept() == before == [(_today(), None)]


# --- a link ------------------------------------------------------------------------------------


def test_a_link_leads_on_and_is_kept_as_a_day(visitor: Client, mail: EmailMessage) -> None:
    response = fetch(visitor, measured.links_in(mail)[0])
    assert (response.status_code, response["Location"]) == (302, SITE)
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies and response.content == b""
    assert kept() == [(None, _today())]


def test_a_link_leads_on_after_a_withdrawal_and_after_its_campaign(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    path = measured.links_in(mail)[1]
    _withdraw(alice)
    Delivery.objects.all().delete()
    Campaign.objects.all().delete()
    assert fetch(visitor, path)["Location"] == measured.SHOP
    assert kept() == []


def test_a_link_that_is_not_known_leads_nowhere(visitor: Client, mail: EmailMessage) -> None:
    gone = make_measure_link(scope=CLICK, link=MeasureLink(uuid4(), 1, uuid4()))
    for path in (f"/l/{gone}", "/l/x", measured.links_in(mail)[0][:-4], "/l/https:evil.test"):
        response = visitor.get(path, headers={"Accept-Language": "en"})
        assert response.status_code == 404
        assert "Location" not in response
        assert b"This link no longer works" in response.content
    assert visitor.get("/l/https://evil.test").status_code == 404
    assert visitor.get("/l//evil.test").status_code == 404


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "//evil.test", "\\\\evil.test", "ftp://evil.test/x", "", "/p/x"],
)
def test_a_row_that_somebody_else_wrote_is_not_followed(
    visitor: Client, mail: EmailMessage, url: str
) -> None:
    PublishedLink.objects.update(url=url)
    assert fetch(visitor, measured.links_in(mail)[0]).status_code == 404


def test_a_link_whose_mac_was_altered_leads_on_and_counts_nothing(
    visitor: Client, mail: EmailMessage
) -> None:
    """The side without keys cannot tell; what it leads to was written by us all the same."""
    path = measured.links_in(mail)[0]
    altered = path[:-3] + ("A" if path[-3] != "A" else "B") + path[-2:]
    assert fetch(visitor, altered)["Location"] == SITE
    assert kept() == []
    assert not Envelope.objects.exists()  # and nothing is left behind


# --- trouble -----------------------------------------------------------------------------------


def test_trouble_with_intake_changes_no_answer(
    visitor: Client, mail: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, link = measured.picture_in(mail), measured.links_in(mail)[0]
    before = _seen(visitor, picture), _seen(visitor, link)

    def away(*_args: object, **_more: object) -> None:
        raise OperationalError("away")

    NOTEBOOK.forget()
    with monkeypatch.context() as patched:
        patched.setattr(noticing, "card_permits", away)
        patched.setattr(public_views, "on_intake", away)
        assert (_seen(visitor, picture), _seen(visitor, link)) == before
        public_views._published.cache_clear()
        never_seen = fetch(visitor, link)
        assert (never_seen.status_code, never_seen["Retry-After"]) == (503, "60")
    assert _seen(visitor, link) == before[1]


def test_what_waits_and_what_is_remembered_is_bounded(
    visitor: Client, mail: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noticing, "MOST_OF_A_CARD", 5)
    monkeypatch.setattr(noticing, "REMEMBERED_MOST", 3)
    path = measured.picture_in(mail)
    for number in range(12):  # tokens made up for a card that agrees
        fetch(visitor, path[:45] + "ABCDEFGHIJKL"[number] + path[46:])
    assert Envelope.objects.filter(kind="measure").count() <= 5
    assert len(NOTEBOOK._passed_on) <= 3
    full = noticing.Notebook()
    monkeypatch.setattr(full, "_waiting", queue.Queue(1))
    monkeypatch.setattr(full, "_thread", threading.current_thread())
    for _ in range(5):
        full.note(Sighting(OPEN, "x", timezone.localdate()))
    assert full._waiting.qsize() == 1


def test_a_scanner_that_asks_for_everything_five_times_changes_no_permission(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    acted = Contact.objects.get(id=alice).last_act_at
    permissions = list(Permission.objects.order_by("purpose_id", "channel").values())
    events = LedgerEvent.objects.count()
    paths = [measured.picture_in(mail), *measured.links_in(mail)]
    for _ in range(5):
        for path in paths:
            fetch(visitor, path, method="HEAD")
    assert not Envelope.objects.exists()
    for _ in range(5):
        for path in paths:
            fetch(visitor, path)
    assert Envelope.objects.count() == len(paths)  # each once
    assert kept() == [(_today(), _today())]
    apply_waiting_decisions(now=cast.clock())
    assert list(Permission.objects.order_by("purpose_id", "channel").values()) == permissions
    assert LedgerEvent.objects.count() == events
    assert Contact.objects.get(id=alice).last_act_at == acted


def test_nothing_but_get_and_head_is_answered(visitor: Client, mail: EmailMessage) -> None:
    for path in (measured.picture_in(mail), measured.links_in(mail)[0]):
        assert visitor.post(path).status_code == 405
    NOTEBOOK.settle()
    assert not Envelope.objects.exists()


# --- one token is not another --------------------------------------------------------------------


def test_a_token_of_measuring_says_no_to_nothing(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    token = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    for page in ("u", "p", "c"):
        assert visitor.post(f"/{page}/{token}").status_code == 404
    people.decide("opt_out", at=cast.clock(), token=token)
    people.decide("preferences", at=cast.clock(), token=token, everything="no")
    assert people.permitted(alice) and people.permitted(alice, "email_measurement")


def test_a_token_of_saying_no_measures_nothing(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    token = measured.ways_to_say_no(alice, ALICE).one_click_url.rpartition("/")[2]
    assert fetch(visitor, f"/o/{token}.gif").status_code == 200
    assert fetch(visitor, f"/l/{token}").status_code == 404
    _drop(OPEN, token)
    assert kept() == []
    assert not Envelope.objects.exists()


def test_a_token_of_an_opening_is_no_click_and_the_reverse(
    visitor: Client, mail: EmailMessage
) -> None:
    opening = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    click = measured.links_in(mail)[0].rpartition("/")[2]
    fetch(visitor, f"/o/{click}.gif")
    assert fetch(visitor, f"/l/{opening}").status_code == 404
    _drop(CLICK, opening)
    assert kept() == []


def _drop(scope: str, token: str, **more: object) -> None:
    drop_envelope(
        kind="measure",
        context=scope,
        envelope_id=uuid4(),
        document={"token": token, "on": _today().isoformat(), **more},
        now=datetime.now(UTC),
    )


def test_whatever_an_envelope_says_is_answered_without_a_trace(
    mail: EmailMessage, visitor: Client
) -> None:
    token = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    for scope, said, on in (
        ("other", token, "2026-11-24"),
        (OPEN, token, "soon"),
        (OPEN, "", "2026-11-24"),
        (OPEN, make_measure_link(scope=OPEN, link=MeasureLink(uuid4(), 2**40)), "2026-11-24"),
    ):
        _drop(scope, said, on=on)
    assert kept() == []
    assert not Envelope.objects.exists()


def test_a_message_that_left_unmeasured_cannot_be_opened(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    Delivery.objects.update(is_measured=False)
    fetch(visitor, measured.picture_in(mail))
    assert kept() == []


def test_the_card_in_the_token_is_the_persons_own(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    opening = measured.picture_in(mail).split("/")[2].removesuffix(".gif")
    no = measured.ways_to_say_no(alice, ALICE).one_click_url.rpartition("/")[2]
    claimed = claim_of_measure_link(token=opening)
    assert claimed.card_id == card_of_link(token=no)
    assert claimed.delivery_id == Delivery.objects.get().id


# --- forgetting, figures, and the copy of the links ----------------------------------------------


@pytest.mark.parametrize("way", ["measurement", "everything", "gone", "restricted"])
def test_what_was_measured_goes_with_the_consent(
    visitor: Client, mail: EmailMessage, alice: UUID, way: str
) -> None:
    bob = measured.measured_reader(BOB)
    row = Delivery.objects.get()
    assert row.campaign is not None
    other = Delivery.objects.create(
        campaign_id=row.campaign_id, contact_id=bob, kind=1, reference_id=uuid4(), state=5,
        due_at=NOW, planned_at=NOW, is_measured=True,
    )  # fmt: skip
    MeasuredMessage.objects.create(
        delivery=other, campaign=row.campaign, contact_id=bob, last_open_on=NOW.date()
    )
    fetch(visitor, measured.picture_in(mail))
    assert len(kept()) == 2
    services.forget_measures()
    assert MeasuredMessage.objects.count() == 2
    if way == "measurement":
        _withdraw(alice)
    elif way == "everything":
        token = measured.ways_to_say_no(alice, ALICE).preferences_url.rpartition("/")[2]
        people.decide("preferences", at=cast.clock(), token=token, everything="no")
    elif way == "gone":
        Contact.objects.filter(id=alice).delete()
    else:
        Contact.objects.filter(id=alice).update(restricted_at=NOW)
    assert services.forget_measures() == (0 if way == "restricted" else 1)
    assert services.forget_measures() == 0
    assert MeasuredMessage.objects.filter(contact_id=bob).exists()


def test_nothing_is_added_of_a_restricted_person(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    Contact.objects.filter(id=alice).update(restricted_at=NOW)
    fetch(visitor, measured.picture_in(mail))
    assert kept() == []


def _counted(campaign: Campaign) -> list[tuple[object, ...]]:
    """What is counted before small groups are folded: all of those who agree."""
    with connections["default"].cursor() as cursor:
        cursor.execute(statement("results_measured"), {"campaign": campaign.id})
        return [row for row in cursor.fetchall() if row[0] == "all"]


def test_figures_are_of_those_who_agree_now(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    campaign = Campaign.objects.get()
    fetch(visitor, measured.picture_in(mail))
    kept()
    assert _counted(campaign) == [("all", "", 1, 1, 0)]
    _withdraw(alice)
    assert _counted(campaign) == []


def test_links_that_the_public_side_has_lost_come_back(mail: EmailMessage) -> None:
    PublishedLink.objects.all().delete()
    services.publish_links()
    services.publish_links()
    assert PublishedLink.objects.count() == TrackedLink.objects.count() == 2


# --- the role ----------------------------------------------------------------------------------


def test_all_of_it_works_with_the_role_that_the_public_side_has(
    visitor: Client, mail: EmailMessage
) -> None:
    with measured.as_public_role():
        assert fetch(visitor, measured.picture_in(mail)).status_code == 200
        assert fetch(visitor, measured.links_in(mail)[0])["Location"] == SITE
    assert Envelope.objects.filter(kind="measure").count() == 2
    assert kept() == [(_today(), _today())]


def test_what_the_public_side_reads_of_it_names_nobody(mail: EmailMessage, alice: UUID) -> None:
    held = json.dumps([row.document for row in PreferenceCard.objects.all()])
    links = [row.url for row in PublishedLink.objects.all()]
    assert str(alice) not in held and ALICE not in held
    assert sorted(links) == sorted([SITE, measured.SHOP])
