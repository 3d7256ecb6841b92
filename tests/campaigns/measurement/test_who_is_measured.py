"""Only a person who agreed gets a mail that tells: at the rendering, and at the gate again."""

import re
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

import pytest
from django.db import connections

from campaigns import services
from campaigns.content.compile import parts_of
from campaigns.delivery import engine, statements
from campaigns.delivery.preparing import NewsletterDesk, Preparation
from campaigns.delivery.statements import Claimed
from campaigns.models import Campaign, Delivery, DeliveryState, PublishedLink, TrackedLink
from campaigns.smtp.message import MessageFrame, Sender
from consent.models import Permission
from consent.services import publish_notice
from consent.suppression import suppress
from privacy.services import fingerprint_emails
from tests.campaigns import cast
from tests.campaigns.measurement import cast as measured
from tests.campaigns.measurement.cast import ALICE, BOB, SHOP, SITE
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

Rows = Sequence[Claimed]

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
_REMOTE = re.compile(r'(?:src|srcset|background|poster)\s*=\s*["\']?(?:https?:)?//|url\(', re.I)


def _is_untouched(message: EmailMessage) -> bool:
    """No remote resource, no link by way of us, the author's own addresses."""
    page = measured.page_of(message)
    return (
        not _REMOTE.search(page)
        and "<img" not in page
        and "/o/" not in page
        and "/l/" not in page
        and f'href="{SITE}"' in page
    )


def test_who_agreed_gets_a_picture_and_links_that_pass_by_us(inbox: Inbox) -> None:
    measured.measured_reader()
    campaign = measured.sent()
    (message,) = inbox.to(ALICE)
    page = measured.page_of(message)
    assert len(measured.links_in(message)) == 2
    assert measured.picture_in(message).endswith(".gif")
    assert SITE not in page and "https://shop.example/offers" not in page
    assert 'href="https://shop.example/?for=Alice"' in page  # a field in it: the person's own
    assert re.search(r'href="http[^"]+/u/', page) and re.search(r'href="http[^"]+/p/', page)
    text = message.get_body(("plain",))
    assert text is not None and f"<{SITE}>" in text.get_content()
    assert "/l/" not in text.get_content()
    delivery = Delivery.objects.get(campaign_id=campaign)
    assert (delivery.state, delivery.is_measured) == (DeliveryState.SENT, True)


def test_who_was_not_asked_gets_the_mail_as_it_is(inbox: Inbox) -> None:
    measured.measured_reader()
    cast.subscriber(BOB)
    campaign = measured.sent()
    assert _is_untouched(inbox.to(BOB)[0])
    flags = Delivery.objects.filter(campaign_id=campaign).values_list("is_measured", flat=True)
    assert sorted(flags) == [False, True]


def test_the_mail_of_who_does_not_agree_is_the_frozen_one_to_the_last_byte(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built here from the frozen words alone, beside Alice, whose mail is measured."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0" * 2 * size)
    measured.measured_reader()
    bob = cast.subscriber(BOB)
    campaign = Campaign.objects.get(id=measured.launched())
    desk = NewsletterDesk(campaign)
    rows = statements.claim(campaign_id=campaign.id, worker="w", size=10, kind="gate")
    assert sorted(row.is_measurable for row in rows) == [False, True]
    (ours,) = (
        each.message for each in desk.prepare(rows, now=NOW).prepared if each.recipient == BOB
    )
    content = campaign.contents.get()
    parts = parts_of(html=content.html, text=content.text, subject=content.subject)
    links = measured.ways_to_say_no(bob, BOB)
    frame = MessageFrame.compile(
        sender=Sender(name="Example", address="news@example.org", list_id="N <n.example.org>"),
        subject=parts.subject,
        html=parts.html,
        text=parts.text,
        language="en",
    )
    alone = frame.render(
        {
            "first_name": "Alice",
            "salutation": "Hello Alice",
            "opt_out_url": links.one_click_url,
            "preferences_url": links.preferences_url,
        },
        to_address=BOB,
        to_name="Alice Durand",
        message_id="<1@example.org>",
        date=NOW,
        unsubscribe_url=links.one_click_url,
    )
    assert ours.partition(b"\r\n\r\n")[2] == alone.partition(b"\r\n\r\n")[2]


def test_mail_under_legitimate_interest_is_never_measured(inbox: Inbox) -> None:
    """Dana agreed to be measured; this mail does not rest on her consent."""
    measured.informed("dana@example.org")
    campaign = measured.sent("targeted_promotion")
    assert _is_untouched(inbox.to("dana@example.org")[0])
    assert not Delivery.objects.get(campaign_id=campaign).is_measured
    assert not PublishedLink.objects.exists()


def test_it_is_the_persons_permission_that_counts_and_not_the_campaign(inbox: Inbox) -> None:
    """One campaign, two bases: offers that Alice asked for and that Dana did not object to."""
    alice = measured.measured_reader()
    publish_notice(code="preferences", texts={"fr": "Vos choix"}, is_substantive=True, now=NOW)
    measured.decide(alice, ALICE, {"targeted_promotion": "yes"})
    measured.informed("dana@example.org")
    measured.sent("targeted_promotion")
    assert _is_untouched(inbox.to("dana@example.org")[0])
    assert measured.picture_in(inbox.to(ALICE)[0])


def test_a_permission_to_measure_that_is_no_consent_measures_nothing(inbox: Inbox) -> None:
    alice = measured.measured_reader()
    with connections["default"].cursor() as cursor:
        cursor.execute("ALTER TABLE consent_permission DISABLE TRIGGER USER")
        Permission.objects.filter(subject_id=alice, purpose="email_measurement").update(
            basis="A6-1-f-controller", state="LegitimateInterestNotObjected"
        )
        cursor.execute("ALTER TABLE consent_permission ENABLE TRIGGER USER")
    measured.sent()
    assert _is_untouched(inbox.to(ALICE)[0])


def test_a_no_between_rendering_and_gate_has_the_mail_rendered_anew(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = measured.measured_reader()
    cast.subscriber(BOB)
    campaign = measured.launched()
    prepare = NewsletterDesk.prepare

    def prepare_then_no(self: NewsletterDesk, rows: Rows, *, now: datetime) -> Preparation:
        done = prepare(self, rows, now=now)
        if any(each.mark.is_measured for each in done.prepared):
            measured.decide(alice, ALICE, {"email_measurement": "no"})
        return done

    monkeypatch.setattr(NewsletterDesk, "prepare", prepare_then_no)
    cast.deliver(campaign)
    assert len(inbox.to(ALICE)) == len(inbox.to(BOB)) == 1
    assert _is_untouched(inbox.to(ALICE)[0])
    delivery = Delivery.objects.get(contact_id=alice)
    assert (delivery.is_measured, delivery.attempts, delivery.reason) == (False, 1, "")
    assert cast.counts(campaign) == {"sent": 2}


def test_a_no_behind_the_gate_has_it_rendered_anew_without_counting_a_try(inbox: Inbox) -> None:
    """The relay is slow, so those who wait are asked for again before they are written to it."""
    emails = [f"person{number}@example.org" for number in range(4)]
    contacts = [measured.measured_reader(email) for email in emails]
    campaign = measured.launched()

    def answer(_recipient: str) -> str:
        if not inbox.recipients():
            for contact, email in zip(contacts, emails, strict=True):
                measured.decide(contact, email, {"email_measurement": "no"})
            connections.close_all()
        threading.Event().wait(0.3)
        return "250 2.0.0 kept"

    inbox.answer = answer
    cast.deliver(campaign)
    assert sorted(inbox.recipients()) == emails
    kinds = [_is_untouched(inbox.to(email)[0]) for email in emails]
    assert kinds.count(False) == 1  # the one that the relay already had
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert Delivery.objects.filter(is_measured=True).count() == 1


def test_a_kept_no_of_the_address_goes_before_the_ledger_and_not_in_circles(
    inbox: Inbox,
) -> None:
    """The claim does not know the address; the gate does, and its word is final."""
    measured.measured_reader()
    suppress(
        fingerprints=fingerprint_emails(emails=[ALICE])[0],
        purpose_codes=["email_measurement"],
        reason="by_address",
        now=NOW,
    )
    campaign = measured.sent()
    assert _is_untouched(inbox.to(ALICE)[0])
    assert cast.counts(campaign) == {"sent": 1}


def test_a_pause_gives_a_message_back_and_it_is_measured_later(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.measured_reader()
    campaign = measured.launched()
    prepare = NewsletterDesk.prepare

    def prepare_then_pause(self: NewsletterDesk, rows: Rows, *, now: datetime) -> Preparation:
        services.pause(campaign_id=campaign, actor_id=None, now=NOW)
        return prepare(self, rows, now=now)

    with monkeypatch.context() as patched:
        patched.setattr(NewsletterDesk, "prepare", prepare_then_pause)
        cast.deliver(campaign)
    assert (cast.counts(campaign), inbox.recipients()) == ({"queued": 1}, [])
    services.resume(campaign_id=campaign, actor_id=None, now=NOW)
    cast.deliver(campaign)
    assert measured.picture_in(inbox.to(ALICE)[0])
    assert Delivery.objects.get().attempts == 1


def test_links_are_frozen_once_each_and_never_the_ways_to_say_no(inbox: Inbox) -> None:
    cast.subscriber(BOB)
    campaign = measured.sent()
    links = TrackedLink.objects.filter(campaign_id=campaign).order_by("position")
    assert [link.url for link in links] == [SITE, SHOP]
    assert not PublishedLink.objects.exists()  # nobody's mail carries one


def test_the_links_of_a_mail_are_published_before_it_leaves(inbox: Inbox) -> None:
    measured.measured_reader()
    campaign = measured.launched()
    known: list[int] = []

    def answer(_recipient: str) -> str:
        known.append(PublishedLink.objects.count())
        connections.close_all()
        return "250 2.0.0 kept"

    inbox.answer = answer
    cast.deliver(campaign)
    assert known == [2]


def test_nothing_of_it_is_in_a_letter_or_a_test_mail(inbox: Inbox) -> None:
    measured.measured_reader()
    cast.subscriber("carol@example.org", is_confirmed=False)
    engine.send_letters(worker="w", seconds=5, clock=cast.clock)
    campaign = measured.launched()
    services.send_test(campaign_id=campaign, address="me@example.org", now=NOW)
    for address in ("carol@example.org", "me@example.org"):
        page = measured.page_of(inbox.to(address)[0])
        assert not _REMOTE.search(page) and "/o/" not in page and "/l/" not in page
