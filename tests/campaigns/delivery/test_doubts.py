"""What nobody can tell is asked of the relay: a real Postfix, its log and its queue."""

import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import doubts, postfix_log, statements
from campaigns.delivery.doubts import Answer
from campaigns.delivery.naming import message_id
from campaigns.delivery.postfix_log import NoEvidence, read_log
from campaigns.models import Campaign, Delivery, DeliveryKind, DeliveryState
from crm.models import ContactCampaign
from tests.campaigns import cast
from tests.campaigns.smtp.relay import DROP, Script
from tests.campaigns.smtp.relay import relay as scripted
from tests.faults import postfix
from tests.faults.postfix import Postfix, open_folder

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
LEASE = 2


@pytest.fixture(scope="module")
def shared() -> Iterator[Postfix]:
    postfix.required()
    with open_folder("relay") as folder:
        made = Postfix(folder / "postfix")
        made.start()
        time.sleep(2.1)
        yield made
        made.stop()


@pytest.fixture
def relay(shared: Postfix, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Postfix:
    _use(shared, settings)
    # A start, in whole seconds, must not look like a fall in the middle of what follows.
    monkeypatch.setattr(doubts, "_MARGIN", timedelta(seconds=1))
    return shared


@pytest.fixture
def own(relay: Postfix, settings: Settings) -> Iterator[Postfix]:
    """A relay that a test may ill-treat."""
    with open_folder("relay") as folder:
        made = Postfix(folder / "postfix")
        _use(made, settings)
        yield made
        made.stop()


def _use(relay: Postfix, settings: Settings) -> None:
    settings.RELAY_URL = f"smtp://127.0.0.1:{relay.port}?timeout=5&final_timeout=5"
    settings.RELAY_LOG, settings.RELAY_CONFIG_DIR = str(relay.log), str(relay.config)
    settings.LEASE_SECONDS = LEASE


def _handing(campaign: UUID) -> Delivery:
    """A message past its gate whose worker died."""
    (row,) = statements.claim(campaign_id=campaign, worker="dead", size=1, kind="gate")
    past = datetime.now(UTC) - timedelta(seconds=1)
    Delivery.objects.filter(id=row.id).update(
        state=DeliveryState.HANDING,
        handing_at=datetime.now(UTC),
        lease_until=past,
        attempts=1,
        relay="default",
    )
    return Delivery.objects.get(id=row.id)


def _hand_over(relay: Postfix, row: Delivery, *, is_whole: bool = True) -> None:
    """What the worker did before it died: with the dot, or without."""
    session = smtplib.SMTP("127.0.0.1", relay.port)
    session.ehlo()
    session.mail("bounce@example.org")
    session.rcpt("somebody@example.org")
    session.docmd("DATA")
    session.send(f"Message-ID: {message_id(row)}\r\n\r\nHello\r\n")
    if is_whole:
        session.docmd(".")
    session.close()


def _resolved(row: Delivery, *, later: timedelta = timedelta(0)) -> Delivery:
    """Sweep, and ask until the log has come as far as the lease."""
    services.sweep(now=cast.clock())
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while Delivery.objects.get(id=row.id).state == DeliveryState.IN_DOUBT:
        assert datetime.now(UTC) < deadline
        Delivery.objects.filter(id=row.id).update(due_at=datetime.now(UTC))
        services.resolve_doubts(clock=lambda: datetime.now(UTC) + later)
    return Delivery.objects.get(id=row.id)


def test_what_the_relay_has_is_sent(relay: Postfix) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    row = _handing(campaign)
    _hand_over(relay, row)
    found = _resolved(row)
    assert found.state == DeliveryState.SENT
    assert found.evidence.startswith("log ")
    assert ContactCampaign.objects.filter(contact_id=row.contact_id).exists()
    cast.deliver(campaign)
    assert relay.taken().count(message_id(row)) == 1
    assert Campaign.objects.get(id=campaign).state == "finished"


def test_what_the_relay_keeps_for_later_is_sent(
    own: Postfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has lost its last lines; the queue has the message."""
    main = own.config / "main.cf"
    words = main.read_text(encoding="utf-8") + "defer_transports = discard\n"
    main.write_text(words, encoding="utf-8")
    own.start()
    time.sleep(2.1)
    cast.subscribers(1)
    row = _handing(cast.launched())
    _hand_over(own, row)

    def without_qmgr(path: Path, **more: object) -> postfix_log.Reading:
        reading = read_log(path, **more)  # type: ignore[arg-type]
        reading.accepted.clear()
        return reading

    monkeypatch.setattr(doubts, "read_log", without_qmgr)
    assert _resolved(row).state == DeliveryState.SENT


@pytest.mark.parametrize("is_begun", [True, False])
def test_what_the_relay_never_took_is_sent_once(relay: Postfix, is_begun: bool) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    row = _handing(campaign)
    if is_begun:
        _hand_over(relay, row, is_whole=False)
    found = _resolved(row)
    assert (found.state, found.reason) == (DeliveryState.QUEUED, "not_taken")
    cast.deliver(campaign)
    assert Delivery.objects.get().state == DeliveryState.SENT
    assert relay.taken().count(message_id(row)) == 1


def test_a_campaign_that_was_cancelled_sends_nothing_again(relay: Postfix) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    row = _handing(campaign)
    services.sweep(now=cast.clock())
    services.cancel(campaign_id=campaign, actor_id=None, now=cast.clock())
    found = _resolved(row)
    assert (found.state, found.reason) == (DeliveryState.SKIPPED, "cancelled")


def test_a_relay_that_fell_over_meanwhile_proves_nothing(own: Postfix) -> None:
    own.start()
    time.sleep(2.1)
    cast.subscribers(1)
    row = _handing(cast.launched())
    own.kill()
    own.start()
    found = _resolved(row)
    assert (found.state, found.reason) == (DeliveryState.UNKNOWN, "hand_over_unproven")


def test_a_log_that_began_too_late_proves_nothing(relay: Postfix) -> None:
    cast.subscribers(1)
    row = _handing(cast.launched())
    Delivery.objects.update(handing_at=datetime.now(UTC) - timedelta(days=1))
    assert _resolved(row).state == DeliveryState.UNKNOWN


def test_a_log_that_is_away_is_waited_for_and_then_given_up(
    relay: Postfix, settings: Settings
) -> None:
    cast.subscribers(1)
    row = _handing(cast.launched())
    settings.RELAY_LOG = str(relay.home / "no-such.log")
    services.sweep(now=cast.clock())
    services.resolve_doubts(clock=cast.clock)
    assert Delivery.objects.get().state == DeliveryState.IN_DOUBT
    assert _resolved(row, later=doubts.PATIENCE).state == DeliveryState.UNKNOWN


def test_a_letter_without_evidence_is_sent_again(relay: Postfix, settings: Settings) -> None:
    settings.RELAY_LOG = str(relay.home / "no-such.log")
    contact = cast.subscriber("alice@example.org", is_confirmed=False)
    letter = Delivery.objects.get(contact_id=contact, kind=DeliveryKind.CONFIRMATION)
    Delivery.objects.update(state=DeliveryState.IN_DOUBT, handing_at=cast.clock())
    assert _resolved(letter, later=doubts.PATIENCE).state == DeliveryState.QUEUED


def test_a_broken_connection_after_the_dot_waits_for_the_log(
    relay: Postfix, settings: Settings
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    ours = settings.RELAY_URL
    with scripted(Script.answering("dot", DROP)) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        cast.deliver(campaign)
    settings.RELAY_URL = ours
    row = Delivery.objects.get()
    assert row.state == DeliveryState.IN_DOUBT
    assert row.due_at > datetime.now(UTC)
    assert services.progress(campaign_id=campaign).open == 1
    assert _resolved(row).state == DeliveryState.QUEUED


@pytest.mark.parametrize(
    ("code", "urls", "answer"),
    [
        # Of today's settings nothing follows for a message of yesterday.
        ("north", {}, Answer.NO_EVIDENCE),
        ("", {}, Answer.NO_EVIDENCE),
        ("default", {}, Answer.NOT_TAKEN),
        ("default", {"north": "smtp://127.0.0.1:9"}, Answer.NOT_TAKEN),
    ],
)
def test_only_a_message_of_the_relay_whose_log_is_read_was_certainly_not_taken(
    settings: Settings, code: str, urls: dict[str, str], answer: Answer
) -> None:
    settings.RELAY_URLS = urls
    began, at = _NOW - timedelta(hours=3), _NOW - timedelta(hours=1)
    reading = postfix_log.Reading(began_at=began, ended_at=_NOW)
    doubt = statements.Doubt(1, uuid4(), uuid4(), 1, 1, at, relay=code)
    evidence = doubts.Evidence(reading, frozenset())
    assert evidence.about(doubt, "<one@mail>", now=_NOW) == (answer, "")


# --- the log itself ----------------------------------------------------------------------------

_NOW = datetime(2027, 1, 1, 0, 30, tzinfo=UTC)
_TRADITIONAL = """\
Dec 31 23:59:58 relay postfix/cleanup[1]: AAAAA: message-id=<one@mail>
Dec 31 23:59:59 relay postfix/qmgr[1]: AAAAA: from=<bounce+x@mail>, size=1, nrcpt=1 (queue active)
Jan  1 00:00:01 relay postfix/cleanup[1]: BBBBB: message-id=<two@mail>
Jan  1 00:00:02 relay postfix/cleanup[1]: BBBBB: message-id=<other@mail>
Jan  1 00:00:03 relay postfix/qmgr[1]: BBBBB: from=<bounce+y@mail>, size=1, nrcpt=1 (queue active)
not a line of the log
"""
_ISO = """\
2026-12-31T23:59:58.123456+00:00 relay postfix/cleanup[1]: AAAAA: message-id=<one@mail>
2026-12-31T23:59:59.000000+00:00 relay postfix-out/qmgr[1]: AAAAA: removed
2027-01-01T00:00:03Z relay postfix/master[1]: daemon started -- version 3.7.11
"""


def test_the_year_of_a_line_is_the_last_one_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postfix_log, "_zone_of_machine", lambda: UTC)
    log = tmp_path / "log"
    log.write_text(_TRADITIONAL, encoding="utf-8")
    reading = read_log(log, message_ids={"<one@mail>", "<two@mail>"}, now=_NOW)
    # The queue id of the second was used again by another message.
    assert reading.accepted == {"<one@mail>": "AAAAA"}
    assert reading.began_at == datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    assert reading.ended_at == datetime(2027, 1, 1, 0, 0, 3, tzinfo=UTC)


def test_stamps_of_today_are_read_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(_ISO, encoding="utf-8")
    reading = read_log(log, message_ids={"<one@mail>"}, now=_NOW)
    assert reading.accepted == {"<one@mail>": "AAAAA"}
    until = datetime(2027, 1, 1, 0, 0, 3, tzinfo=UTC)
    assert not reading.covers(until - timedelta(seconds=4), until)
    assert reading.covers(until - timedelta(seconds=4), until - timedelta(seconds=1)) is False


def test_a_queue_that_cannot_be_listed_is_no_empty_queue(tmp_path: Path) -> None:
    with pytest.raises(NoEvidence):
        postfix_log.queued_now(str(tmp_path))
