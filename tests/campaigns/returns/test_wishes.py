"""A "no", or a wish in somebody's own words, is not lost: not by its age, a queue or a merge."""

from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns import services
from campaigns.delivery.naming import message_id
from campaigns.models import Delivery, DeliveryKind, DeliveryState, Return
from campaigns.returns import consequences, taking, waiting
from campaigns.returns.kinds import Kind
from campaigns.returns.mail import take_mail
from campaigns.returns.parsing import Return as Found
from campaigns.returns.tokens import references_in
from campaigns.returns.words import Words
from crm.models import Contact, ContactMerge, Notification, TimelineEntry
from privacy.services import JournalUnreachable
from tests.campaigns import cast as campaigning
from tests.campaigns.pages.desk import browser, read
from tests.campaigns.returns.cast import Sent, sent, settle
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "inbox"),
]


def _writes(one: Sent, words: str) -> Return:
    raw = (
        f"From: {one.email}\r\nSubject: Re: Nouvelles\r\n"
        f"In-Reply-To: {message_id(one.delivery)}\r\n"
        f'Content-Type: text/plain; charset="utf-8"\r\n\r\n{words}\r\n'
    )
    take_mail(content=raw.encode(), recipients=["lettre@x.example"], now=campaigning.clock())
    settle()
    return Return.objects.order_by("-received_at").first()  # type: ignore[return-value]


def test_a_wish_in_own_words_is_kept_shown_first_and_rung() -> None:
    one = sent()
    officer, writer, sales = browser("dpo"), browser(), browser("sales")
    row = _writes(one, "Je ne veux plus recevoir vos mails, supprimez mes données.")
    assert (row.kind, row.is_kept, row.is_wish) == ("reply", True, True)
    for client in (officer, writer):
        assert str(row.id) in read(client, "return-list")
        assert str(row.id) in read(client, "home")
    assert str(row.id) not in read(sales, "home")
    assert "supprimez mes données" in read(officer, "return", row.id)
    roles = Notification.objects.filter(kind=waiting.WISH).values_list("account__role", flat=True)
    assert sorted(roles) == ["dpo", "marketing"]


def test_the_officer_is_rung_of_what_nobody_has_read_for_twenty_days() -> None:
    one = sent()
    browser("dpo")
    row = _writes(one, "Effacez mes données")
    overdue = Notification.objects.filter(kind=waiting.OVERDUE)
    services.forget_returns(now=row.received_at + timedelta(days=19))
    assert not overdue.exists()
    for _hour in range(2):
        services.forget_returns(now=row.received_at + timedelta(days=21))
    assert overdue.count() == 1
    services.forget_returns(now=row.received_at + timedelta(days=500))
    assert services.words_of_return(return_id=row.id) is not None


# --- before the gate -------------------------------------------------------------------------


def _noted(one: Sent, kind: Kind, *, minutes: float = 0, scope: str = "path") -> Return:
    from campaigns.delivery.naming import return_path

    token = return_path(one.delivery) if scope == "path" else message_id(one.delivery)
    number = uuid4()
    taking.note(
        return_id=number,
        source="mail",
        found=Found(kind, references=tuple(references_in(token.encode()))),
        said=Words(text="x"),
        received_at=campaigning.clock() + timedelta(minutes=minutes),
    )
    return Return.objects.get(id=number)


@pytest.mark.parametrize("kind", [Kind.OPT_OUT, Kind.COMPLAINT])
def test_no_message_passes_its_gate_while_a_no_waits(inbox: Inbox, kind: Kind) -> None:
    one = sent()
    after = campaigning.launched()
    _noted(one, kind)  # read, and its bell has not rung
    campaigning.deliver(after)
    assert len(inbox.to(one.email)) == 1
    assert not Return.objects.filter(applied_at=None).exists()


def test_nothing_is_sent_while_a_no_cannot_take_effect(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sent()
    after = campaigning.launched()
    _noted(one, Kind.OPT_OUT)

    def away(**_no: object) -> None:
        raise JournalUnreachable

    with monkeypatch.context() as without_journal:
        without_journal.setattr(consequences, "object_by_message", away)
        campaigning.deliver(after)
        assert services.progress(campaign_id=after).halted_reason == "decisions_waiting"
    campaigning.deliver(after)
    assert len(inbox.to(one.email)) == 1


def test_rows_that_wait_starve_nobody() -> None:
    one = sent()
    Delivery.objects.update(state=DeliveryState.HANDING)
    for minutes in range(3):
        _noted(one, Kind.HARD_BOUNCE, minutes=minutes - 10)
    late_no = _noted(one, Kind.OPT_OUT)
    reply = _noted(one, Kind.REPLY, minutes=1)
    now = campaigning.clock()
    consequences.apply_waiting(now=now, limit=3)
    assert Return.objects.get(id=late_no.id).applied_at is not None
    consequences.apply_waiting(now=now, limit=3)
    assert Return.objects.get(id=reply.id).applied_at is not None


# --- what proves how much --------------------------------------------------------------------


def test_a_message_id_alone_proves_no_dead_address() -> None:
    one = sent()
    row = _noted(one, Kind.HARD_BOUNCE, scope="message")
    settle()
    assert row.kind == "soft_bounce"
    assert one.contact.unreachable_at is None
    assert _noted(one, Kind.HARD_BOUNCE).kind == "hard_bounce"
    settle()
    assert one.contact.unreachable_at is not None


def test_a_complaint_about_an_answer_by_its_message_id_waits_for_a_person() -> None:
    one = sent()
    Delivery.objects.update(kind=DeliveryKind.REPLY, campaign=None)
    reply = Delivery.objects.get()
    number = uuid4()
    found = Found(Kind.COMPLAINT, references=tuple(references_in(message_id(reply).encode())))
    taking.note(
        return_id=number, source="mail", found=found, said=Words(), received_at=campaigning.clock()
    )
    settle()
    row = Return.objects.get(id=number)
    assert (row.contact_id, row.is_wish, row.is_kept) == (one.contact_id, True, True)
    assert one.is_permitted


# --- somebody who was merged -----------------------------------------------------------------


def _merged_into_another(one: Sent) -> Contact:
    kept = campaigning.subscriber("alice.durand@example.org")
    ContactMerge.objects.create(
        id=uuid4(), kept_id=kept, absorbed_id=one.contact_id, merged_at=campaigning.clock()
    )
    Contact.objects.filter(id=one.contact_id).delete()
    return Contact.objects.get(id=kept)


def test_a_bounce_after_a_merge_says_nothing_of_the_other_address() -> None:
    one = sent()
    kept = _merged_into_another(one)
    _noted(one, Kind.HARD_BOUNCE)
    settle()
    kept.refresh_from_db()
    assert kept.unreachable_at is None
    assert not Return.objects.filter(applied_at=None).exists()


def test_a_reply_after_a_merge_is_the_persons_own_act() -> None:
    one = sent()
    kept = _merged_into_another(one)
    told: list[dict[str, object]] = []
    end = services.register_on_reply("test", lambda **what: told.append(what))
    _noted(one, Kind.REPLY)
    settle()
    end()
    assert [each["contact_id"] for each in told] == [kept.id]
    assert TimelineEntry.objects.filter(kind="replied", contact_id=kept.id).count() == 1
