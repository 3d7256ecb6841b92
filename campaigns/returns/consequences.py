"""What follows from what came back. Each once, in the transaction that says that it was done."""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from campaigns.models import (
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
from crm.services import kept_ids, last_signs, mark_unreachable, note_reply, publish_events

logger = logging.getLogger("campaigns.returns")
# Said of a message while its worker has not written down yet that it was taken: a moment later.
_WAITS = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.DELIVERED)


def apply_waiting(*, now: datetime, limit: int = 500) -> int:
    """Do what follows from what came back, oldest first; return for how many it was done.

    A return whose consequence fails waits for the next call and holds nobody else up. Calling
    twice is safe, and any number of workers may do so at once.
    """
    waiting = Return.objects.filter(applied_at=None).order_by("received_at")
    return sum(_tried(number, now) for number in waiting.values_list("id", flat=True)[:limit])


def _tried(return_id: UUID, now: datetime) -> bool:
    try:
        return _apply_one(return_id, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # Class only: messages of databases quote what they choke on. It is tried at every bell.
        logger.error("return %s waits: %s", return_id, type(error).__name__)
        return False


def _apply_one(return_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        row = (
            Return.objects.select_for_update(skip_locked=True)
            .filter(id=return_id, applied_at=None)
            .first()
        )
        if row is None:
            return False
        found = Delivery.objects.select_related("campaign")
        delivery = found.filter(id=row.delivery_id).first() if row.delivery_id else None
        if delivery is not None:
            if delivery.state in OPEN_STATES and row.kind in _WAITS:
                return False
            _CONSEQUENCES.get(Kind(row.kind), _nothing)(row, delivery)
        row.applied_at = now
        row.save(update_fields=["applied_at"])
    if row.kind == Kind.REPLY and row.contact_id is not None:
        person = _person(row.contact_id)
        replies.tell(contact_id=person, campaign_id=row.campaign_id, at=row.received_at)
    return True


def _person(contact_id: UUID) -> UUID:
    """Whom a message was sent to, under the id that they have since a merge."""
    return kept_ids([contact_id]).get(contact_id, contact_id)


def _nothing(row: Return, delivery: Delivery) -> None:
    """Delays, automatic answers, challenges, notices: no bounce, and nobody's act."""


# --- bounces ---------------------------------------------------------------------------------


def _bounced(row: Return, delivery: Delivery) -> None:
    """The message came back: sent or unknown becomes bounced, so that the account still adds up.

    Other systems are told as of one that the relay itself refused, once for each message.
    """
    left = Delivery.objects.filter(
        id=delivery.id, state__in=[DeliveryState.SENT, DeliveryState.UNKNOWN]
    )
    changed = left.update(
        state=DeliveryState.BOUNCED,
        reason="returned",
        evidence=f"{row.status} {row.why}".strip(),
    )
    if changed:
        ids = {"delivery_id": str(delivery.id), "contact_id": str(delivery.contact_id)}
        publish_events(kind="delivery.bounced", ids=[ids], at=row.received_at)


def _hard_bounce(row: Return, delivery: Delivery) -> None:
    _bounced(row, delivery)
    sign = last_signs(contact_ids=[delivery.contact_id]).get(delivery.contact_id)
    if (
        sign is not None
        and sign.corrected_at is not None
        and _left_before(delivery, sign.corrected_at)
    ):
        return  # it speaks of the address as it was before somebody put it right
    mark_unreachable(contact_ids=[delivery.contact_id], at=row.received_at)
    SoftBounce.objects.filter(contact_id=delivery.contact_id).delete()


def _left_before(delivery: Delivery, moment: datetime) -> bool:
    return (delivery.handing_at or delivery.planned_at) < moment


def _soft_bounce(row: Return, delivery: Delivery) -> None:
    _bounced(row, delivery)
    if row.why in BLAMELESS:
        return
    sign = last_signs(contact_ids=[delivery.contact_id]).get(delivery.contact_id)
    if sign is None:
        return
    held = SoftBounce.objects.select_for_update().filter(contact_id=delivery.contact_id).first()
    after = weight_after(
        weight=held.weight if held else 0.0,
        counted_at=held.counted_at if held else None,
        sign_of_life=sign.latest,
        at=row.received_at,
    )
    SoftBounce.objects.update_or_create(
        contact_id=delivery.contact_id,
        defaults={"weight": after.weight, "counted_at": after.counted_at},
    )
    if after.weight >= THRESHOLD:
        mark_unreachable(contact_ids=[delivery.contact_id], at=row.received_at)
        SoftBounce.objects.filter(contact_id=delivery.contact_id).delete()


def _arrived(row: Return, delivery: Delivery) -> None:
    """It is in the mailbox: what was unknown is known, and nothing speaks against the address."""
    Delivery.objects.filter(id=delivery.id, state=DeliveryState.UNKNOWN).update(
        state=DeliveryState.SENT, reason="", evidence=f"{row.status} {row.kind}".strip()
    )
    SoftBounce.objects.filter(contact_id=delivery.contact_id).delete()


# --- people ----------------------------------------------------------------------------------


def _no(row: Return, delivery: Delivery) -> None:
    """A complaint is an objection to the purpose of the message (GDPR 21(2)); to a letter or an
    answer, whose purpose is no marketing, it is one to all of marketing."""
    _arrived(row, delivery)
    object_by_message(
        subject_id=delivery.contact_id,
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


def _reply(row: Return, delivery: Delivery) -> None:
    _arrived(row, delivery)
    note_reply(
        contact_id=_person(delivery.contact_id),
        reference={"campaign": str(delivery.campaign_id)} if delivery.campaign_id else {},
        at=row.received_at,
    )


_CONSEQUENCES: dict[Kind, Callable[[Return, Delivery], None]] = {
    Kind.HARD_BOUNCE: _hard_bounce,
    Kind.SOFT_BOUNCE: _soft_bounce,
    Kind.DELIVERED: _arrived,
    Kind.COMPLAINT: _no,
    Kind.OPT_OUT: _no,
    Kind.REPLY: _reply,
}
