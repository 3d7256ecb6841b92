"""What follows from what came back: for the message, for the address, for the person."""

import ipaddress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from pytest_django import Settings

from campaigns import services
from campaigns.models import Delivery, DeliveryState, Return, SoftBounce
from campaigns.returns import taking
from campaigns.returns.kinds import Kind
from campaigns.returns.mail import take_mail
from campaigns.returns.parsing import Return as Found
from campaigns.returns.tokens import RETURN_PATH, Reference
from campaigns.returns.words import Words
from consent.models import LedgerEvent, Suppression
from crm.models import Contact, ContactCampaign, TimelineEntry, WebhookEvent
from crm.services import mark_reachable, merge_contacts, settle_merges
from crm.webhooks import endpoints
from crm.webhooks.endpoints import create_endpoint
from privacy.models import Blob, DataKey
from privacy.services import RetentionClass, journal_head, read_documents
from tests.campaigns import cast as campaigning
from tests.campaigns.automations import cast as sequences
from tests.campaigns.returns.cast import Sent, another, sent, settle
from tests.campaigns.returns.samples import NAMES
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "inbox"),
]


def _balance(one: Sent) -> dict[str, int]:
    account = services.progress(campaign_id=one.campaign_id)
    assert account.audience == sum(account.counts.values())
    return {state: number for state, number in account.counts.items() if number}


# --- bounces ---------------------------------------------------------------------------------


def test_a_late_bounce_moves_the_message_and_the_account_still_adds_up() -> None:
    one = sent()
    assert _balance(one) == {"sent": 1}
    row = one.bounces("postfix_unknown_user")
    assert (row.kind, row.attribution, row.contact_id) == (
        "hard_bounce", "return_path", one.contact_id,
    )  # fmt: skip
    assert _balance(one) == {"bounced": 1}
    assert (one.delivery.reason, one.delivery.evidence) == ("returned", "5.1.1 unknown_user")
    assert one.contact.unreachable_at is not None
    assert row.is_kept is False


def test_other_systems_are_told_of_a_bounce_by_mail_once(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    endpoints.create_endpoint(
        name="crm", url="http://127.0.0.1:9/", kinds=["delivery.bounced"], actor_id=uuid4(),
        now=campaigning.clock(),
    )  # fmt: skip
    one = sent()
    for name in ("postfix_unknown_user", "qmail_unknown"):
        one.bounces(name)
    told = {"delivery_id": str(one.delivery.id), "contact_id": str(one.contact_id)}
    assert list(WebhookEvent.objects.values_list("ids", flat=True)) == [told]


def test_other_systems_are_told_of_a_late_bounce_once() -> None:
    create_endpoint(
        name="billing", url="https://hooks.example.org/", kinds=["delivery.bounced"],
        actor_id=uuid4(), now=campaigning.clock(),
    )  # fmt: skip
    one = sent()
    one.bounces("postfix_unknown_user")
    one.bounces("exim_unknown_user")
    event = WebhookEvent.objects.get()
    assert event.kind == "delivery.bounced"
    assert event.ids == {
        "delivery_id": str(one.delivery.id), "contact_id": str(one.contact_id),
    }  # fmt: skip


def test_nobody_who_bounced_for_good_gets_the_next_campaign(inbox: Inbox) -> None:
    one = sent()
    one.bounces("exim_unknown_user")
    after = campaigning.launched()
    campaigning.deliver(after)
    assert len(inbox.to(one.email)) == 1
    assert services.progress(campaign_id=after).audience == 0


def test_a_message_of_unknown_fate_that_comes_back_is_known() -> None:
    one = sent()
    Delivery.objects.update(state=DeliveryState.UNKNOWN)
    one.bounces("qmail_unknown")
    assert _balance(one) == {"bounced": 1}


def test_a_report_of_delivery_says_what_became_of_a_message_of_unknown_fate() -> None:
    one = sent()
    Delivery.objects.update(state=DeliveryState.UNKNOWN)
    ContactCampaign.objects.all().delete()
    one.bounces("postfix_delivered")
    assert _balance(one) == {"sent": 1}
    # What follows from sending follows now: the limit of how often knows of it.
    (known,) = ContactCampaign.objects.all()
    assert (known.contact_id, known.campaign_id) == (one.contact_id, one.campaign_id)


def test_a_bounce_that_is_quicker_than_its_own_worker_waits_for_it() -> None:
    one = sent()
    Delivery.objects.update(state=DeliveryState.HANDING)
    one.comes_back("postfix_unknown_user")
    settle()
    assert one.delivery.state == DeliveryState.HANDING
    Delivery.objects.update(state=DeliveryState.SENT)
    settle()
    assert one.delivery.state == DeliveryState.BOUNCED


@pytest.mark.parametrize(
    "name",
    ["postfix_delayed", "out_of_office_fr", "mailinblack_fr", "mdn_read_receipt", "arf_not_spam"],
)
def test_what_is_no_bounce_changes_nothing(name: str) -> None:
    one = sent()
    before = Contact.objects.values().get()
    one.bounces(name)
    assert _balance(one) == {"sent": 1}
    assert Contact.objects.values().get() == before
    assert not SoftBounce.objects.exists()
    assert one.is_permitted


def test_the_same_bounce_twice_is_one_bounce() -> None:
    one = sent()
    one.comes_back("postfix_mailbox_full")
    one.comes_back("postfix_mailbox_full")
    settle()
    one.comes_back("postfix_mailbox_full")
    settle()
    assert Return.objects.count() == 1
    assert SoftBounce.objects.get().weight == 1.0


def test_a_forged_return_path_moves_nothing_and_is_kept_to_be_looked_at() -> None:
    one = sent()
    # Somebody guessed the number of the message and not its proof.
    import base64

    body = one.delivery.id.to_bytes(8, "big") + bytes(10)
    forged = f"bounce+{base64.b32encode(body).decode().rstrip('=').lower()}@x.example"
    from tests.campaigns.returns.samples import sample

    take_mail(
        content=sample("forged_return_path", forged=forged),
        recipients=[forged],
        now=campaigning.clock(),
    )
    settle()
    row = Return.objects.get()
    assert (row.attribution, row.delivery_id, row.is_kept) == ("forged", None, True)
    assert _balance(one) == {"sent": 1}
    assert one.contact.unreachable_at is None


def test_a_number_that_a_restored_database_gives_out_again_is_another_message() -> None:
    one = sent()
    raw = one.sample("postfix_unknown_user")
    somebody = uuid4()
    Delivery.objects.update(contact_id=somebody, reference_id=uuid4())
    from campaigns.returns.mail import take_mail

    take_mail(content=raw, recipients=[], now=campaigning.clock())
    settle()
    assert Return.objects.get().attribution == "forged"
    assert Delivery.objects.get().state == DeliveryState.SENT


def test_an_answer_that_names_two_messages_is_about_none_of_them() -> None:
    one = sent()
    two = another(one)
    both = one.sample("reply_fr") + two.sample("reply_fr")
    from campaigns.returns.mail import take_mail

    take_mail(content=both, recipients=[], now=campaigning.clock())
    settle()
    assert (Return.objects.get().attribution, Return.objects.get().is_kept) == ("none", True)


# --- soft bounces ----------------------------------------------------------------------------


def _soft_over(one: Sent, days: list[float], start: datetime) -> None:
    for number, day in enumerate(days):
        taking.note(
            return_id=UUID(int=number + 1),
            source="mail",
            found=Found(Kind.SOFT_BOUNCE, "mailbox_full", "4.2.2", _references(one)),  # type: ignore[arg-type]
            said=Words(),
            received_at=start + timedelta(days=day),
        )
    settle()


def _references(one: Sent) -> tuple[object, ...]:
    from campaigns.delivery.naming import return_path
    from campaigns.returns.tokens import references_in

    return tuple(references_in(return_path(one.delivery).encode()))


@pytest.mark.parametrize(
    ("days", "is_unreachable"),
    [
        ([0, 7, 14], False),
        ([0, 7, 14, 21], True),
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5], False),  # one trouble of one day
        ([0, 1, 2, 3], True),
        ([0, 60, 120, 180, 240, 300], False),  # half of it is forgotten every thirty days
    ],
)
def test_soft_bounces_add_up_and_fade(days: list[float], is_unreachable: bool) -> None:
    one = sent()
    _soft_over(one, days, campaigning.clock())
    assert (one.contact.unreachable_at is not None) is is_unreachable


def test_a_sign_of_life_begins_the_count_anew() -> None:
    one = sent()
    start = campaigning.clock()
    _soft_over(one, [0, 1, 2], start)
    Contact.objects.update(last_act_at=start + timedelta(days=2, hours=1))
    taking.note(
        return_id=uuid4(),
        source="mail",
        found=Found(Kind.SOFT_BOUNCE, "mailbox_full", "4.2.2", _references(one)),  # type: ignore[arg-type]
        said=Words(),
        received_at=start + timedelta(days=3),
    )
    settle()
    assert one.contact.unreachable_at is None
    assert SoftBounce.objects.get().weight == 1.0


@pytest.mark.parametrize("name", ["postfix_spam_blocked", "gmail_dmarc", "postfix_too_large"])
def test_what_is_about_us_says_nothing_against_an_address(name: str) -> None:
    one = sent()
    one.bounces(name)
    assert _balance(one) == {"bounced": 1}
    assert not SoftBounce.objects.exists()


def test_staff_put_an_address_right_and_old_bounces_count_no_more() -> None:
    one = sent()
    one.bounces("postfix_unknown_user")
    now = campaigning.clock()
    assert mark_reachable(contact_id=one.contact_id, actor_id=UUID(int=1), now=now)
    assert not mark_reachable(contact_id=one.contact_id, actor_id=UUID(int=1), now=now)
    assert one.contact.unreachable_at is None
    one.bounces("gmail_unknown_user")  # of the same message, which left before
    assert one.contact.unreachable_at is None
    kinds = TimelineEntry.objects.filter(contact_id=one.contact_id).values_list("kind", flat=True)
    assert {"unreachable", "reachable"} <= set(kinds)
    two = another(one)
    two.bounces("sendmail_unknown")
    assert one.contact.unreachable_at is not None


# --- people ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["arf_comcast", "arf_yahoo_redacted", "jmrp_hotmail"])
def test_a_complaint_is_an_objection_at_once(name: str, inbox: Inbox) -> None:
    one = sent()
    head = journal_head().seq
    row = one.bounces(name)
    assert row.kind == "complaint"
    assert not one.is_permitted
    event = LedgerEvent.objects.order_by("-seq").first()
    assert event is not None
    assert (event.method, event.source_id) == ("complaint", row.id)
    assert Suppression.objects.filter(reason="complaint").exists()
    assert journal_head().seq == head + 1
    assert _balance(one) == {"sent": 1}  # it did arrive
    campaigning.deliver(campaigning.launched())
    assert len(inbox.to(one.email)) == 1


def test_a_complaint_survives_a_database_that_was_restored() -> None:
    from campaigns.returns import consequences
    from privacy.models import JournalApplied
    from privacy.services import catch_up_with_journal

    one = sent()
    before = JournalApplied.objects.values().get()
    row = one.bounces("arf_comcast")
    # The older copy: neither the objection nor the mark of the journal.
    Suppression.objects.all().delete()
    JournalApplied.objects.update(**before)
    catch_up_with_journal(now=campaigning.clock())
    assert Suppression.objects.filter(reason="complaint").exists()
    assert consequences.apply_waiting(now=campaigning.clock()) == 0
    assert row.applied_at is not None


def test_a_complaint_that_comes_twice_is_one_objection() -> None:
    one = sent()
    one.bounces("arf_comcast")
    events = LedgerEvent.objects.count()
    suppressed = Suppression.objects.count()
    one.bounces("jmrp_hotmail")
    # The second says it anew (a yes that came in between would end by it), as a second press does.
    methods = LedgerEvent.objects.order_by("seq").values_list("method", flat=True)[events - 1 :]
    assert set(methods) == {"complaint"}
    assert Suppression.objects.count() == suppressed


def test_a_complaint_about_nobody_is_kept_for_the_officer_and_touches_nobody() -> None:
    one = sent()
    from campaigns.returns.mail import take_mail
    from tests.campaigns.returns.samples import sample

    take_mail(content=sample("arf_unattributable"), recipients=[], now=campaigning.clock())
    settle()
    row = Return.objects.get()
    assert (row.kind, row.attribution, row.contact_id, row.is_kept) == (
        "complaint", "campaign", None, True,
    )  # fmt: skip
    assert one.is_permitted


@pytest.mark.parametrize("name", ["stop_fr", "unsubscribe_subject"])
def test_a_no_that_somebody_writes_is_a_no(name: str) -> None:
    one = sent()
    row = one.bounces(name)
    assert (row.kind, row.is_kept) == ("opt_out", False)
    assert not one.is_permitted
    assert (
        LedgerEvent.objects.order_by("-seq").values_list("method", flat=True)[0] == "mail_opt_out"
    )


def test_a_reply_is_noted_without_a_word_of_it_and_counts_as_an_act() -> None:
    one = sent()
    told: list[dict[str, object]] = []
    end = services.register_on_reply("test", lambda **what: told.append(what))
    try:
        before = one.contact.last_act_at
        row = one.bounces("reply_fr")
    finally:
        end()
    assert one.contact.last_act_at > before
    entry = TimelineEntry.objects.get(kind="replied")
    assert entry.reference == {"campaign": str(one.campaign_id)}
    assert told == [
        {"contact_id": one.contact_id, "campaign_id": one.campaign_id, "at": row.received_at}
    ]
    assert row.is_kept is False
    assert not read_documents(subject_ids=[row.id], retention_class=RetentionClass.ACTIVITY)


def test_who_is_told_of_a_reply_and_fails_holds_nobody_up() -> None:
    one = sent()

    def fail(**_what: object) -> None:
        raise RuntimeError

    told: list[object] = []
    ends = [
        services.register_on_reply("a", fail),
        services.register_on_reply("b", lambda **what: told.append(what)),
    ]
    one.bounces("reply_fr")
    for end in ends:
        end()
    assert len(told) == 1
    assert TimelineEntry.objects.filter(kind="replied").count() == 1
    assert Return.objects.get().applied_at is not None


def test_a_process_that_dies_while_others_are_told_of_a_reply_tells_them_again() -> None:
    one = sent()
    told: list[object] = []

    def die(**what: object) -> None:
        told.append(what)
        if len(told) == 1:
            raise OperationalError

    end = services.register_on_reply("test", die)
    try:
        one.comes_back("reply_fr")
        with pytest.raises(OperationalError):
            settle()
        assert not TimelineEntry.objects.filter(kind="replied").exists()
        settle()
    finally:
        end()
    assert len(told) == 2
    assert TimelineEntry.objects.filter(kind="replied").count() == 1


def test_the_answer_of_somebody_who_was_merged_ends_the_sequence_of_who_they_are_now() -> None:
    one = sent()
    kept = campaigning.subscriber("kept@example.org")
    sequence = sequences.active(sequences.wait("s1", 9))
    sequences.enter(sequence, one.contact_id)
    sequences.turn(sequence, NOW)
    before = one.sample("reply_fr")
    merge_contacts(kept_id=kept, absorbed_id=one.contact_id, actor_id=uuid4(), now=NOW)
    assert settle_merges(now=NOW) == 1
    take_mail(content=before, recipients=[], now=campaigning.clock())
    settle()
    assert Return.objects.get().attribution == "message_id"
    assert sequences.where(sequence) == {kept: ("exited", "s1", "reply")}
    assert TimelineEntry.objects.get(kind="replied").contact_id == kept


# --- what is kept ----------------------------------------------------------------------------


def test_only_what_a_person_has_to_look_at_is_kept_and_only_sealed() -> None:
    one = sent()
    documents = Blob.objects.count()
    row = one.bounces("daemon_unknown_text")
    assert (row.kind, row.is_kept) == ("unknown", True)
    assert Blob.objects.count() == documents + 1
    blob = Blob.objects.get(subject_id=row.id)
    assert b"Zarquon" not in bytes(blob.body)
    found = read_documents(subject_ids=[row.id], retention_class=RetentionClass.ACTIVITY)
    assert "Zarquon frobnicates" in found[row.id]["text"]


def test_words_end_with_a_look_and_never_unread_where_they_may_be_a_wish() -> None:
    one = sent()
    start = campaigning.clock()
    first = one.bounces("daemon_unknown_text", at=start)
    second = one.bounces("forwarded_complaint", at=start)
    Return.objects.filter(id=first.id).update(looked_at=start)
    forged = uuid4()
    found = Found(Kind.HARD_BOUNCE, references=(_forged(one),))
    taking.note(
        return_id=forged, source="mail", found=found, said=Words(text="x"), received_at=start
    )
    services.forget_returns(now=start)
    assert not DataKey.objects.filter(subject_id=first.id).exists()
    services.forget_returns(now=start + timedelta(days=31))
    assert not DataKey.objects.filter(subject_id=forged).exists()
    assert DataKey.objects.filter(subject_id=second.id).exists()
    assert list(Return.objects.filter(is_kept=True)) == [second]


def _forged(one: Sent) -> Reference:
    return Reference(RETURN_PATH, one.delivery.id, bytes(10))


def test_no_table_holds_an_address_of_what_came_back() -> None:
    from django.db import connections

    one = sent()
    for name in NAMES:
        one.comes_back(name)
    settle()
    settle()
    with connections["default"].cursor() as cursor:
        for table in ("campaigns_return", "campaigns_returnpart", "campaigns_softbounce"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            for (line,) in cursor.fetchall():
                assert "@" not in line
                assert "alice" not in line.lower()
    assert Return.objects.filter(applied_at=None).count() == 0


def test_a_consequence_that_fails_waits_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from campaigns.returns import consequences
    from privacy.services import JournalUnreachable

    one = sent()

    def away(**_no: object) -> None:
        raise JournalUnreachable

    with monkeypatch.context() as without_journal:
        without_journal.setattr(consequences, "object_by_message", away)
        one.comes_back("arf_comcast")
        one.comes_back("postfix_unknown_user")
        settle()
    assert _balance(one) == {"bounced": 1}
    assert list(Return.objects.filter(applied_at=None).values_list("kind", flat=True)) == [
        "complaint"
    ]
    settle()
    assert not one.is_permitted
    assert not Return.objects.filter(applied_at=None).exists()
