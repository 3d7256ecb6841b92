"""Why a message could be sent to a person: the proof pack, with the message in it."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.delivery.naming import message_id
from campaigns.models import Delivery, DeliveryKind, DeliveryState
from consent.services import Channel, NothingToProve, proof_pack


def message_proof(
    *, campaign_id: UUID, contact_id: UUID, with_evidence: bool, now: datetime
) -> bytes:
    """Return the proof pack of a campaign's message to a contact, with `message.json` in it.

    Also of one that was held back: it then shows why. It changes nothing. Raises NothingToProve
    when the campaign never meant to write to this contact, or nothing is known of them.
    """
    sent = (
        Delivery.objects.filter(
            campaign=campaign_id, contact_id=contact_id, kind=DeliveryKind.NEWSLETTER
        )
        .select_related("campaign")
        .defer("campaign__mjml")
        # Of a sequence's mail the newest: a person may go through it again.
        .order_by("-id")
        .first()
    )
    if sent is None or sent.campaign is None:
        raise NothingToProve(NothingToProve.__doc__)
    message = {**_facts(sent), "purpose": sent.campaign.purpose_id}
    text = json.dumps(message, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return proof_pack(
        subject_id=contact_id,
        purpose_code=sent.campaign.purpose_id,
        channel=Channel.EMAIL,
        with_evidence=with_evidence,
        now=now,
        extra={"message.json": text.encode()},
    )


def _facts(sent: Delivery) -> dict[str, Any]:
    return {
        "message_id": message_id(sent),
        "campaign": str(sent.campaign_id),
        "subject": str(sent.contact_id),
        "channel": Channel.EMAIL.value,
        "state": DeliveryState(sent.state).label,
        "reason": sent.reason,
        "attempts": sent.attempts,
        "is_measured": sent.is_measured,
        "relay_answer": sent.evidence,
        "justification_seq": sent.justification_seq,
        "planned_at": _moment(sent.planned_at),
        "handed_over_at": _moment(sent.handing_at),
        "finished_at": _moment(sent.finished_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
