"""What stops a transactional message, by its ground; the API says the same beforehand."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import statements
from campaigns.delivery.naming import message_id
from campaigns.delivery.statements import GateMark
from campaigns.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Ground,
    TransactionalMessage,
    TransactionalTemplate,
)
from consent.services import withdraw_on_behalf
from crm.models import Contact, Lead, TimelineEntry
from privacy.services import fingerprint_emails, journal_head
from tests.campaigns import cast
from tests.campaigns.smtp.relay import DROP, Script, relay
from tests.campaigns.transactional.asking import (
    ALICE,
    alice,
    ask,
    body,
    look,
    said,
    template,
    token,
)
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
GROUNDS = {"reply": "reply_to_request", "contract": "service_information"}


def _no(purpose: str) -> Callable[[UUID], None]:
    def said_no(contact: UUID) -> None:
        withdraw_on_behalf(
            subject_id=contact,
            email=ALICE,
            purpose_code=purpose,
            source_id=uuid4(),
            actor_id=UUID(int=7),
            now=cast.clock(),
        )

    return said_no


def _now(**facets: object) -> Callable[[UUID], None]:
    def change(contact: UUID) -> None:
        Contact.objects.filter(id=contact).update(**facets)

    return change


def _erase(contact: UUID) -> None:
    Lead.objects.all().delete()
    TimelineEntry.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM crm_contactscore")
        cursor.execute("DELETE FROM crm_contact WHERE id = %s", [contact])


def _ask_nothing(_contact: UUID) -> None:
    Lead.objects.all().delete()


ACTS: dict[str, Callable[[UUID], None]] = {
    "restricted": _now(restricted_at=NOW),
    "bounced": _now(unreachable_at=NOW),
    "erased": _erase,
    "no to everything": _no(""),
    "no to marketing": _no("newsletter"),
    "no to replies": _no("reply_to_request"),
    "no to service": _no("service_information"),
    "asked nothing": _ask_nothing,
}
# act -> what the gate says for (reply, contract, legal obligation); None: it leaves.
EXPECTED: dict[str, tuple[str | None, str | None, str | None]] = {
    "restricted": ("restricted", "restricted", "restricted"),
    "bounced": ("unreachable", "unreachable", "unreachable"),
    "erased": ("erased", "erased", "erased"),
    "no to everything": ("suppressed", None, None),
    "no to marketing": (None, None, None),
    "no to replies": ("suppressed", None, None),
    "no to service": (None, "suppressed", None),
    "asked nothing": ("no_request", None, None),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_stops_it_and_the_api_says_the_same(act: str, inbox: Inbox) -> None:
    contact, key = alice(), token()
    for ground in Ground.values:
        purpose = GROUNDS.get(ground, "service_information")
        template(ground.replace("_", "-"), ground=ground, purpose=purpose)
    numbers = [said(ask(key, body(template=g.replace("_", "-"))))["id"] for g in Ground.values]
    ACTS[act](contact)
    again = [ask(key, body(template=g.replace("_", "-"))) for g in Ground.values]
    services.send_single_messages(clock=cast.clock)
    for number, answer, reason in zip(numbers, again, EXPECTED[act], strict=True):
        told = said(look(key, number))
        assert (told["state"], told["reason"]) == ("skipped" if reason else "sent", reason or "")
        if reason == "erased":
            assert answer.status_code == 404
        elif reason:
            refused = said(answer)
            assert (answer.status_code, refused["code"]) == (409, "may_not_be_sent")
            assert refused["reason"] == reason
        else:
            assert answer.status_code == 202


def test_a_purpose_that_became_marketing_sends_nothing(inbox: Inbox) -> None:
    from consent.models import Purpose

    alice()
    template()
    key = token()
    number = said(ask(key))["id"]
    Purpose.objects.filter(code="service_information").update(is_marketing=True)
    refused = ask(key)
    assert (refused.status_code, said(refused)["reason"]) == (409, "marketing")
    services.send_single_messages(clock=cast.clock)
    assert said(look(key, number))["reason"] == "marketing" and inbox.recipients() == []


def test_nothing_leaves_while_the_journal_knows_more() -> None:
    alice()
    template()
    ask(token())
    (row,) = statements.claim(campaign_id=None, worker="w", size=9, kind="gate_single")
    mark = GateMark(row.id, fingerprint_emails(emails=[ALICE])[0].marks)
    head = journal_head()
    for known, states in ((replace(head, seq=head.seq + 1), []), (head, [DeliveryState.HANDING])):
        verdicts = statements.gate(kind="gate_single", marks=[mark], worker="w", head=known)
        assert [each.state for each in verdicts] == states


def test_a_message_without_its_ground_is_stopped(inbox: Inbox) -> None:
    alice()
    template()
    ask(token())
    TransactionalMessage.objects.all().delete()
    services.send_single_messages(clock=cast.clock)
    assert Delivery.objects.get().reason == "no_ground" and inbox.recipients() == []


def _dropped(settings: Settings, script: Script) -> None:
    with relay(script) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        Delivery.objects.update(due_at=NOW)
        services.send_single_messages(clock=cast.clock)


@pytest.mark.parametrize("is_required", [False, True])
def test_one_in_doubt_is_unknown_unless_the_law_requires_it(
    is_required: bool, settings: Settings
) -> None:
    alice()
    template(ground="legal_obligation", is_required=is_required)
    key = token()
    number = said(ask(key))["id"]
    first, second = Script.answering("dot", DROP), Script()
    _dropped(settings, first)
    assert said(look(key, number))["state"] == ("queued" if is_required else "unknown")
    _dropped(settings, second)
    assert len(second.bodies) == is_required
    if is_required:
        row = Delivery.objects.get()
        name = message_id(row)
        assert f"Message-ID: {name}".encode() in second.bodies[0]
        assert said(look(key, number))["state"] == "sent"


@pytest.mark.parametrize(("is_required", "state"), [(False, 9), (True, 1)])
def test_so_does_the_sweep_after_a_dead_worker(is_required: bool, state: int) -> None:
    alice()
    template(ground="legal_obligation", is_required=is_required)
    ask(token())
    (row,) = statements.claim(campaign_id=None, worker="w", size=9, kind="gate_single")
    assert row.is_required is is_required
    Delivery.objects.update(state=DeliveryState.HANDING, lease_until=NOW)
    assert statements.expire_leases(has_evidence=False) == {state: 1}
    Delivery.objects.update(state=DeliveryState.IN_DOUBT, due_at=NOW, handing_at=NOW)
    (doubt,) = statements.claim_doubts(size=9, again_seconds=1)
    assert doubt.is_required is is_required


def test_the_tables_refuse_what_no_page_would_write() -> None:
    number = template()
    rows = TransactionalTemplate.objects.filter(id=number)
    for wrong in ({"ground": "because"}, {"is_required": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
    alice()
    ask(token())
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.update(kind=8)
    assert Delivery.objects.get().kind == DeliveryKind.TRANSACTIONAL


def test_letters_and_transactional_messages_do_not_take_each_other(inbox: Inbox) -> None:
    alice()
    template()
    ask(token())
    services.send_letters(clock=cast.clock)
    assert inbox.recipients() == []
    services.send_single_messages(clock=cast.clock)
    assert inbox.to(ALICE)
