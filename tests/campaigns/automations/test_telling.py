"""Other systems are told who came to the end of a sequence; and colleagues get their mails."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.automations.notices import MOST_AN_HOUR, notices_of
from campaigns.models import ColleagueNotice, Relay
from campaigns.pages.sequences.forms import NotifyForm
from campaigns.services import send_letters, send_notices
from campaigns.smtp.dkim_signing import SigningKeyUnusable
from crm.models import Account, WebhookEvent
from crm.webhooks.endpoints import create_endpoint
from tests.campaigns import cast as newsletters
from tests.campaigns.automations import cast
from tests.campaigns.pages.desk import browser
from tests.campaigns.relays import scene
from tests.campaigns.smtp.relay import Script
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def test_the_end_of_a_sequence_is_told_and_a_wait_is_none() -> None:
    create_endpoint(
        name="billing", url="https://hooks.example.org/", kinds=["sequence.finished"],
        actor_id=uuid4(), now=NOW,
    )  # fmt: skip
    alice = newsletters.subscriber("alice@example.org")
    number = cast.active(cast.wait("s1", 1))
    cast.enter(number, alice)
    cast.turn(number, NOW)
    assert not WebhookEvent.objects.exists()
    cast.turn(number, NOW + timedelta(days=2))
    (event,) = WebhookEvent.objects.all()
    assert event.kind == "sequence.finished"
    assert event.ids == {"sequence_id": str(number), "contact_id": str(alice)}


@pytest.fixture
def notice() -> ColleagueNotice:
    browser("sales")
    sales = Account.objects.get(username="sales")
    alice = newsletters.subscriber("alice@example.org")
    step = cast.step("s1", "notify", account=str(sales.id), address="colleague@example.net")
    number = cast.active(step)
    cast.enter(number, alice)
    cast.turn(number, NOW)
    return ColleagueNotice.objects.get()


def state() -> str:
    return ColleagueNotice.objects.get().mail_state


def test_a_notice_waits_for_a_relay_and_goes_over_the_one_for_letters(
    settings: Settings, notice: ColleagueNotice
) -> None:
    settings.RELAY_URL = "smtp://user@[bad"  # nobody can use it
    assert send_notices(now=NOW) == 0
    assert state() == "waiting"
    for_news, for_letters = Script(), Script()
    with scene.relays(settings, default=for_news, north=for_letters):
        scene.change("default", carries_letters=False)
        assert send_notices(now=NOW) == 1
    assert (len(for_news.bodies), len(for_letters.bodies), state()) == (0, 1, "sent")


def test_a_notice_counts_in_the_limit_of_its_relay(
    settings: Settings, notice: ColleagueNotice
) -> None:
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", per_hour=1)
        newsletters.subscriber("new@example.org", is_confirmed=False)
        send_letters(clock=newsletters.clock)
        assert len(script.bodies) == 1
        assert send_notices(now=NOW) == 0
        assert (len(script.bodies), state()) == (1, "waiting")
        Relay.objects.update(per_hour=None)
        assert send_notices(now=NOW) == 1


def test_a_key_that_cannot_be_used_fails_the_mail_and_holds_nothing_up(
    settings: Settings, notice: ColleagueNotice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(_sender: str) -> object:
        raise SigningKeyUnusable("key")

    monkeypatch.setattr("campaigns.automations.notices.signer", unusable)
    with scene.relays(settings, default=Script()):
        assert send_notices(now=NOW) == 0
    assert state() == "failed"


def test_no_notice_goes_to_a_contact(settings: Settings, notice: ColleagueNotice) -> None:
    """No gate stands before these mails: a prospect who is typed in as a colleague gets none."""
    newsletters.subscriber("colleague@example.net")
    script = Script()
    with scene.relays(settings, default=script):
        assert send_notices(now=NOW) == 0
    assert (state(), script.bodies) == ("refused", [])
    form = NotifyForm({"account": str(notice.account_id), "address": "Colleague@Example.net"})
    assert list(form.errors) == ["address"]


def test_a_colleague_is_mailed_so_often_in_an_hour_and_reads_the_rest_in_the_program(
    settings: Settings, notice: ColleagueNotice
) -> None:
    values = {"account": notice.account, "sequence": notice.sequence, "address": notice.address}
    ColleagueNotice.objects.bulk_create(
        ColleagueNotice(
            id=uuid4(), contact_id=notice.contact_id, at=NOW, mail_state="waiting", **values
        )
        for _more in range(MOST_AN_HOUR + 4)
    )
    with scene.relays(settings, default=Script()):
        assert send_notices(now=NOW) == MOST_AN_HOUR
    assert ColleagueNotice.objects.filter(mail_state="enough").count() == 5
    assert len(notices_of(account_id=notice.account_id, most=50)) == MOST_AN_HOUR + 5


def test_what_a_dead_worker_was_handing_over_is_not_sent_again(
    settings: Settings, notice: ColleagueNotice
) -> None:
    script = Script()
    ColleagueNotice.objects.update(mail_state="handing", at=timezone.now())
    with scene.relays(settings, default=script):
        send_notices(now=timezone.now())
        assert state() == "handing"
        send_notices(now=timezone.now() + timedelta(hours=3))
    assert (state(), script.bodies) == ("failed", [])
