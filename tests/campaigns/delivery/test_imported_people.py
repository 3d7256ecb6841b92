"""Whoever comes by a file is told first; a campaign reaches them only after time to say no."""

from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from django.db import transaction
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, Delivery, DeliveryKind, DeliveryState
from consent.informing import OBJECTION_DAYS
from consent.services import apply_waiting_decisions, explain, settle_informed
from crm.models import Contact
from privacy.services import drop_envelope
from tests.campaigns import cast
from tests.campaigns.smtp.relay import Script, relay
from tests.conftest import NOW
from tests.consent.arrivals import SOURCE
from tests.crm.imports.files import file_of, run
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
ALICE = "alice@example.org"
PURPOSE = "targeted_promotion"


def bring(language: str = "fr") -> UUID:
    run(file_of(f"{ALICE};Alice;{language}", header="email;prenom;langue"), now=cast.clock())
    return Contact.objects.get().id


def send_letters() -> None:
    services.send_letters(clock=cast.clock)


def days_pass() -> None:
    settle_informed(now=cast.clock() + timedelta(days=OBJECTION_DAYS, hours=1))


def campaign() -> dict[str, int]:
    """Launch a campaign of that purpose, deliver it, and say what became of it."""
    number = cast.draft()
    Campaign.objects.filter(id=number).update(purpose=PURPOSE)
    services.launch(campaign_id=number, actor_id=cast.people_actor(), now=NOW)
    cast.deliver(number)
    return cast.counts(number)


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def press_no(letter: EmailMessage) -> None:
    """The link of the letter, and its one button."""
    token = text_of(letter).split("/u/")[1].split()[0].rstrip(">")
    drop_envelope(
        kind="decision",
        context="opt_out",
        envelope_id=UUID(int=9),
        document={"action": "opt_out", "language": "fr", "token": token},
        now=cast.clock(),
    )
    apply_waiting_decisions(now=cast.clock())


def why(contact: UUID) -> str:
    return explain(subject_id=contact, purpose_code=PURPOSE, channel="email").reason_code


def test_the_letter_comes_first_and_a_campaign_only_after_the_days(inbox: Inbox) -> None:
    contact = bring()
    assert campaign() == {}
    assert inbox.recipients() == []
    send_letters()
    assert (len(inbox.to(ALICE)), why(contact)) == (1, "just_informed")
    assert campaign() == {}
    days_pass()
    assert campaign() == {"sent": 1}
    assert len(inbox.to(ALICE)) == 2


@pytest.mark.parametrize(
    ("language", "notice"), [("fr", "Avis de l’article 14"), ("en", "Notice of article 14")]
)
def test_the_letter_says_from_where_what_for_and_how_to_say_no(
    inbox: Inbox, language: str, notice: str
) -> None:
    bring(language)
    send_letters()
    (letter,) = inbox.to(ALICE)
    text = text_of(letter)
    assert SOURCE in text and notice in text and "/u/" in text and "/p/" in text
    assert "cnil.fr" in text and "Alice" not in text
    assert letter["Auto-Submitted"] == "auto-generated"


def test_after_a_no_by_the_letters_link_nothing_ever_comes(inbox: Inbox) -> None:
    contact = bring()
    send_letters()
    press_no(inbox.to(ALICE)[0])
    days_pass()
    assert campaign() == {}
    run(file_of(f"{ALICE};Alice;fr", header="email;prenom;langue"), now=cast.clock())
    send_letters()
    days_pass()
    assert campaign() == {}
    assert (len(inbox.to(ALICE)), why(contact)) == (1, "objected")


def test_a_no_that_comes_before_the_letter_stops_the_letter(inbox: Inbox) -> None:
    from consent.services import opt_out_links

    contact = bring()
    links = opt_out_links(subjects={contact: ALICE}, purpose_code=PURPOSE, now=NOW)
    cast_token = links[contact].one_click_url.rsplit("/", 1)[1]
    drop_envelope(
        kind="decision",
        context="opt_out",
        envelope_id=UUID(int=9),
        document={"action": "opt_out", "language": "fr", "token": cast_token},
        now=cast.clock(),
    )
    send_letters()
    assert inbox.recipients() == []
    assert Delivery.objects.get().state == DeliveryState.SKIPPED


def test_a_letter_that_the_relay_refuses_informs_nobody(settings: Settings) -> None:
    contact = bring()
    with relay(Script.answering("rcpt", "550 5.1.1 no such mailbox")) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        send_letters()
    assert Delivery.objects.get().state == DeliveryState.BOUNCED
    assert Contact.objects.get().unreachable_at is not None
    days_pass()
    assert why(contact) == "not_informed"


def test_somebody_who_asked_for_a_letter_does_not_wait_behind_an_import(inbox: Inbox) -> None:
    with transaction.atomic():
        bring()
    cast.subscriber("bob@example.org", is_confirmed=False)
    from campaigns.delivery import statements

    (first, *_rest) = statements.claim(campaign_id=None, worker="w", size=1, kind="gate_letters")
    assert first.kind == DeliveryKind.CONFIRMATION
