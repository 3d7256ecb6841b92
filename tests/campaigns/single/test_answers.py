"""A message to one person: written for them alone, through its own gate, at most once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import statements
from campaigns.delivery.naming import message_id, return_path
from campaigns.delivery.statements import GateMark
from campaigns.models import Delivery, DeliveryKind, DeliveryState, OutgoingMessage
from campaigns.returns.mail import take_mail
from campaigns.services import NotSendable, SingleContent
from campaigns.single.sending import thread_of_lead
from consent.models import Suppression
from consent.services import seed_purposes, withdraw_on_behalf
from crm.models import Contact, Lead, TimelineEntry
from privacy.services import (
    JournalHead,
    RetentionClass,
    SealedRecord,
    find_by_email,
    fingerprint_emails,
    journal_head,
    open_records,
)
from privacy.vault.store import destroy_keys
from tests.campaigns import cast
from tests.campaigns.returns.samples import FORGED, sample
from tests.campaigns.smtp.relay import DROP, Script, relay
from tests.conftest import NOW
from tests.consent import people
from tests.crm.pages.arrivals import arrive
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
ACTOR = UUID(int=7)
ALICE = "alice@example.org"


def asked(name: str = "Alice") -> Lead:
    seed_purposes(now=NOW)
    return Lead.objects.get(contact=arrive(name, message="A quote, please"))


def answer(
    lead: Lead,
    *,
    text: str = "Here is our quote.",
    reference: UUID | None = None,
    purpose: str = "reply_to_request",
) -> UUID:
    return services.send_single(
        contact_id=lead.contact_id,
        purpose=purpose,
        content=SingleContent(
            subject="Your quote", text=text, thread=thread_of_lead(lead_id=lead.id)
        ),
        reference=reference or uuid4(),
        kind=DeliveryKind.REPLY,
        language="en",
        actor_id=ACTOR,
        lead_id=lead.id,
        now=cast.clock(),
    )


def send() -> None:
    services.send_single_messages(clock=cast.clock)


def verdict() -> tuple[int, str]:
    row = Delivery.objects.get(kind=DeliveryKind.REPLY)
    return row.state, row.reason


def why(lead: Lead) -> str | None:
    return services.why_not_single(
        contact_id=lead.contact_id,
        purpose="reply_to_request",
        kind=DeliveryKind.REPLY,
        lead_id=lead.id,
    )


def test_an_answer_leaves_as_a_mail_of_a_person(inbox: Inbox, settings: Settings) -> None:
    settings.REPLY_ADDRESS = "sales@example.org"
    lead = asked()
    answer(lead, text="Hello & welcome.\n\nSee https://example.org/quote")
    send()
    send()
    (mail,) = inbox.to(ALICE)
    assert mail["Subject"] == "Your quote"
    assert mail["Reply-To"] == "sales@example.org"
    assert mail["To"] == f"Alice Martin <{ALICE}>"
    for header in ("List-Unsubscribe", "List-Id", "Auto-Submitted", "In-Reply-To"):
        assert mail[header] is None
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))
    assert html is not None and text is not None
    assert "Hello &amp; welcome." in html.get_content()
    assert 'href="https://example.org/quote"' in html.get_content()
    assert "<img" not in html.get_content() and "/o/" not in html.get_content()
    assert "Hello & welcome." in text.get_content()
    lead.refresh_from_db()
    assert lead.state == "answered"
    told = TimelineEntry.objects.get(kind="answered")
    assert told.reference["lead"] == str(lead.id) and told.actor_id == ACTOR


def test_a_second_answer_is_in_the_thread_of_the_first(inbox: Inbox) -> None:
    lead = asked()
    answer(lead)
    send()
    answer(lead, text="And one thing more.")
    send()
    first, second = inbox.to(ALICE)
    assert second["In-Reply-To"] == first["Message-ID"] == second["References"]


def test_the_same_reference_is_one_message(inbox: Inbox) -> None:
    lead, reference = asked(), uuid4()
    answer(lead, reference=reference)
    answer(lead, reference=reference, text="Pressed twice.")
    send()
    (mail,) = inbox.to(ALICE)
    assert "Here is our quote." in mail.as_string()


def test_who_left_the_newsletter_is_still_answered(inbox: Inbox) -> None:
    lead = asked()
    people.submit(lead.contact_id, people.newsletter(is_ticked=True), needs_confirmation=False)
    cast.opt_out([lead.contact_id], [ALICE])
    answer(lead)
    send()
    assert not people.permitted(lead.contact_id)
    assert len(inbox.to(ALICE)) == 1


def _no(lead: Lead, purpose: str) -> None:
    withdraw_on_behalf(
        subject_id=lead.contact_id,
        email=ALICE,
        purpose_code=purpose,
        source_id=uuid4(),
        actor_id=ACTOR,
        now=cast.clock(),
    )


def _change(lead: Lead, **facets: object) -> None:
    Contact.objects.filter(id=lead.contact_id).update(**facets)


def _erase(lead: Lead) -> None:
    Lead.objects.all().delete()
    TimelineEntry.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM crm_contactscore")
        cursor.execute("DELETE FROM crm_contact WHERE id = %s", [lead.contact_id])


STOPS: dict[str, Callable[[Any], object]] = {
    "suppressed": lambda lead: _no(lead, ""),
    "restricted": lambda lead: _change(lead, restricted_at=NOW),
    "unreachable": lambda lead: _change(lead, unreachable_at=NOW),
    "erased": _erase,
    "no_request": lambda _lead: Lead.objects.all().delete(),
}


@pytest.mark.parametrize("reason", STOPS)
def test_what_stops_an_answer_and_the_page_says_the_same(reason: str, inbox: Inbox) -> None:
    lead = asked()
    answer(lead)
    STOPS[reason](lead)
    assert why(lead) == reason
    send()
    assert inbox.recipients() == []
    assert verdict() == (DeliveryState.SKIPPED, reason)


def test_a_no_to_answers_alone_stops_them(inbox: Inbox) -> None:
    lead = asked()
    assert why(lead) is None
    _no(lead, "reply_to_request")
    answer(lead)
    send()
    assert verdict() == (DeliveryState.SKIPPED, "suppressed") and why(lead) == "suppressed"


def test_nothing_leaves_while_the_journal_knows_more(inbox: Inbox) -> None:
    lead = asked()
    answer(lead)
    (row,) = statements.claim(campaign_id=None, worker="w", size=9, kind="gate_single")
    mark = GateMark(row.id, fingerprint_emails(emails=[ALICE])[0].marks)
    head = journal_head()
    ahead = replace(head, seq=head.seq + 1)

    def ask(known: JournalHead) -> list[int]:
        verdicts = statements.gate(
            kind="gate_single", marks=[mark], worker="w", head=known, relay="default"
        )
        return [each.state for each in verdicts]

    assert ask(ahead) == []
    assert ask(head) == [DeliveryState.HANDING]


def test_an_erased_key_closes_what_was_written(inbox: Inbox) -> None:
    lead = asked()
    answer(lead)
    destroy_keys(subject_id=lead.contact_id, retention_classes=[RetentionClass.ACTIVITY])
    send()
    assert verdict() == (DeliveryState.SKIPPED, "unreadable")
    row = OutgoingMessage.objects.get()
    record = SealedRecord(row.id, row.subject_id, bytes(row.sealed))
    assert not open_records(records=[record], retention_class=RetentionClass.ACTIVITY)


def test_one_in_doubt_is_unknown_and_never_sent_again(settings: Settings) -> None:
    lead = asked()
    answer(lead)
    with relay(Script.answering("dot", DROP)) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        send()
    assert verdict() == (DeliveryState.UNKNOWN, "hand_over_unproven")
    script = Script()
    with relay(script) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        Delivery.objects.update(due_at=NOW)
        send()
    assert script.bodies == []
    lead.refresh_from_db()
    assert lead.state == "new"


def test_letters_and_answers_do_not_take_each_other(inbox: Inbox) -> None:
    answer(asked())
    services.send_letters(clock=cast.clock)
    assert inbox.recipients() == []
    send()
    assert len(inbox.to(ALICE)) == 1


def test_what_can_never_be_sent_is_refused_before_it_is_kept() -> None:
    lead, other = asked(), asked("Bob")
    with pytest.raises(NotSendable, match="empty"):
        answer(lead, text=" ")
    with pytest.raises(NotSendable, match="too_long"):
        answer(lead, text="x" * 20_001)
    lead.contact_id = other.contact_id
    with pytest.raises(NotSendable, match="no_request"):
        answer(lead)
    assert not OutgoingMessage.objects.exists() and not Delivery.objects.exists()


def test_the_words_are_not_in_the_database(inbox: Inbox) -> None:
    answer(asked(), text="Canary Zanzibar")
    send()
    with connection.cursor() as cursor:
        for table in ("campaigns_outgoingmessage", "campaigns_delivery", "crm_timelineentry"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%%Zanzibar%%'")
            assert cursor.fetchone() == (0,)
    assert find_by_email(emails=[ALICE])


@pytest.mark.parametrize(
    ("purpose", "refused"), [("reply_to_request", ""), ("newsletter", "newsletter")]
)
def test_a_complaint_objects_to_the_marketing_that_the_message_was(
    purpose: str, refused: str, inbox: Inbox
) -> None:
    lead = asked()
    people.submit(lead.contact_id, people.newsletter(is_ticked=True), needs_confirmation=False)
    answer(lead, purpose=purpose)
    send()
    row = Delivery.objects.get(kind=DeliveryKind.REPLY)
    assert row.state == DeliveryState.SENT
    said = sample(
        "arf_comcast", return_path=return_path(row), message_id=message_id(row), forged=FORGED
    )
    take_mail(content=said, recipients=[], now=cast.clock())
    services.take_returns(now=cast.clock())
    assert set(Suppression.objects.values_list("purpose_code", flat=True)) == {refused}


def test_a_letter_that_is_due_is_no_answer_that_is_due() -> None:
    cast.subscriber("new@example.org", is_confirmed=False)
    assert statements.is_due(campaign_id=None, kind="gate_letters")
    assert not statements.is_due(campaign_id=None, kind="gate_single")
    answer(asked())
    assert statements.is_due(campaign_id=None, kind="gate_single")
