"""What follows from what came back. Each once, in the transaction that says that it was done."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from campaigns.delivery.telling import tell_bounces, tell_sent
from campaigns.models import (
    NO_KINDS,
    OPEN_STATES,
    SINGLE_KINDS,
    Delivery,
    DeliveryState,
    OutgoingMessage,
    Return,
    SoftBounce,
)
from campaigns.returns import replies
from campaigns.returns.kinds import BLAMELESS, Kind
from campaigns.returns.weighing import THRESHOLD, weight_after
from consent.services import object_by_message
from crm.services import kept_ids, last_signs, mark_unreachable, note_reply

logger = logging.getLogger("campaigns.returns")
# Said of a message while its worker has not written down yet that it was taken: a moment later.
_WAITS = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.DELIVERED)


@dataclass(frozen=True)
class _Case:
    """A return, its message, and who its person is by now."""

    row: Return
    delivery: Delivery
    person: UUID

    @property
    def is_same_address(self) -> bool:
        """Contacts are told apart by their addresses: who was merged since is written to at
        another one, and what happened at the first says nothing of it."""
        return self.person == self.delivery.contact_id


def apply_waiting(*, now: datetime, limit: int = 500) -> int:
    """Do what follows from what came back; return for how many it was done.

    Every "no" first, then the others; what was tried in vain stands behind what was not tried yet,
    and holds nobody else up. Calling twice is safe, and any number of workers may do so at once.
    """
    order = (F("tried_at").asc(nulls_first=True), "received_at")
    waiting = Return.objects.filter(applied_at=None).order_by(*order)
    done = 0
    for rows in (waiting.filter(kind__in=NO_KINDS), waiting.exclude(kind__in=NO_KINDS)):
        numbers = list(rows.values_list("id", flat=True)[:limit])
        in_vain = [number for number in numbers if not _tried(number, now)]
        Return.objects.filter(id__in=in_vain, applied_at=None).update(tried_at=now)
        done += len(numbers) - len(in_vain)
    return done


def settle_no(*, now: datetime) -> bool:
    """Give effect to every "no" that was read and waits; return whether none is left.

    A gate asks before each batch, so it costs one look into an index that is empty as a rule. What
    another worker is busy with is waited for. Calling twice is safe.
    """
    waiting = Return.objects.filter(applied_at=None, kind__in=NO_KINDS)
    while numbers := list(waiting.order_by("received_at").values_list("id", flat=True)[:500]):
        if not sum(_tried(number, now, waits_for_others=True) for number in numbers):
            return not waiting.exists()
    return True


def _tried(return_id: UUID, now: datetime, *, waits_for_others: bool = False) -> bool:
    try:
        return _apply_one(return_id, now, waits_for_others)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # Class only: messages of databases quote what they choke on. It is tried at every bell.
        logger.error("return %s waits: %s", return_id, type(error).__name__)
        return False


def _apply_one(return_id: UUID, now: datetime, waits_for_others: bool) -> bool:
    with transaction.atomic():
        rows = Return.objects.select_for_update(skip_locked=not waits_for_others)
        row = rows.filter(id=return_id, applied_at=None).first()
        if row is None:
            return False
        case = _case_of(row)
        if case is not None:
            if case.delivery.state in OPEN_STATES and row.kind in _WAITS:
                return False
            _CONSEQUENCES.get(Kind(row.kind), _nothing)(case)
        row.applied_at = now
        row.save(update_fields=["applied_at"])
    return True


def _case_of(row: Return) -> _Case | None:
    """Whose case it is, looked up once: whoever was merged since is the person that they are."""
    found = Delivery.objects.select_related("campaign")
    delivery = found.filter(id=row.delivery_id).first() if row.delivery_id else None
    if delivery is None:
        return None
    subject = delivery.contact_id
    return _Case(row, delivery, kept_ids([subject]).get(subject, subject))


def _nothing(case: _Case) -> None:
    """Delays, automatic answers, challenges, notices: no bounce, and nobody's act."""


# --- bounces ---------------------------------------------------------------------------------


def _bounced(case: _Case) -> None:
    """The message came back: sent or unknown becomes bounced, so that the account still adds up.

    Other systems are told as of one that the relay itself refused, once for each message.
    """
    row, delivery = case.row, case.delivery
    left = Delivery.objects.filter(
        id=delivery.id, state__in=[DeliveryState.SENT, DeliveryState.UNKNOWN]
    )
    changed = left.update(
        state=DeliveryState.BOUNCED,
        reason="returned",
        evidence=f"{case.row.status} {case.row.why}".strip(),
    )
    if changed:
        tell_bounces([(delivery.id, delivery.contact_id)], at=row.received_at)


def _hard_bounce(case: _Case) -> None:
    _bounced(case)
    sign = last_signs(contact_ids=[case.person]).get(case.person)
    if (
        sign is not None
        and sign.corrected_at is not None
        and _left_before(case.delivery, sign.corrected_at)
    ):
        return  # it speaks of the address as it was before somebody put it right
    _stop_writing(case)


def _stop_writing(case: _Case) -> None:
    if case.is_same_address:
        mark_unreachable(contact_ids=[case.person], at=case.row.received_at)
        SoftBounce.objects.filter(contact_id=case.person).delete()


def _left_before(delivery: Delivery, moment: datetime) -> bool:
    return (delivery.handing_at or delivery.planned_at) < moment


def _soft_bounce(case: _Case) -> None:
    _bounced(case)
    if case.row.why in BLAMELESS or not case.is_same_address:
        return
    sign = last_signs(contact_ids=[case.person]).get(case.person)
    if sign is None:
        return
    held = SoftBounce.objects.select_for_update().filter(contact_id=case.person).first()
    after = weight_after(
        weight=held.weight if held else 0.0,
        counted_at=held.counted_at if held else None,
        sign_of_life=sign.latest,
        at=case.row.received_at,
    )
    SoftBounce.objects.update_or_create(
        contact_id=case.person,
        defaults={"weight": after.weight, "counted_at": after.counted_at},
    )
    if after.weight >= THRESHOLD:
        _stop_writing(case)


def _arrived(case: _Case) -> None:
    """It is in the mailbox: what was unknown is known, and nothing speaks against the address."""
    row = case.row
    unknown = Delivery.objects.filter(id=case.delivery.id, state=DeliveryState.UNKNOWN)
    if unknown.update(
        state=DeliveryState.SENT, reason="", evidence=f"{row.status} {row.kind}".strip()
    ):
        tell_sent([case.delivery.id], at=row.received_at)
    if case.is_same_address:
        SoftBounce.objects.filter(contact_id=case.person).delete()


# --- people ----------------------------------------------------------------------------------


def _no(case: _Case) -> None:
    """A complaint is an objection to the purpose of the message (GDPR 21(2)); to a letter or an
    answer, whose purpose is no marketing, it is one to all of marketing."""
    _arrived(case)
    row, delivery = case.row, case.delivery
    object_by_message(
        subject_id=case.person,
        purpose_code=_marketing_of(delivery),
        method="complaint" if row.kind == Kind.COMPLAINT else "mail_opt_out",
        source_id=row.id,
        now=row.received_at,
    )


def _marketing_of(delivery: Delivery) -> str:
    """The purpose of a campaign or of a single message of marketing; empty: all of marketing."""
    if delivery.campaign is not None:
        return delivery.campaign.purpose_id
    if delivery.kind not in SINGLE_KINDS:
        return ""
    single = OutgoingMessage.objects.filter(id=delivery.reference_id, purpose__is_marketing=True)
    return single.values_list("purpose_id", flat=True).first() or ""


def _reply(case: _Case) -> None:
    _arrived(case)
    row, delivery = case.row, case.delivery
    note_reply(
        contact_id=case.person,
        reference={"campaign": str(delivery.campaign_id)} if delivery.campaign_id else {},
        at=row.received_at,
    )
    replies.tell(contact_id=case.person, campaign_id=row.campaign_id, at=row.received_at)


_CONSEQUENCES: dict[Kind, Callable[[_Case], None]] = {
    Kind.HARD_BOUNCE: _hard_bounce,
    Kind.SOFT_BOUNCE: _soft_bounce,
    Kind.DELIVERED: _arrived,
    Kind.COMPLAINT: _no,
    Kind.OPT_OUT: _no,
    Kind.REPLY: _reply,
}
