"""The worker's turn at messages to one person, and the gate's answer before one is written."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings

from campaigns.delivery import statements
from campaigns.delivery.engine import Halted, Turn
from campaigns.delivery.fleet import Fleet
from campaigns.models import DeliveryKind
from campaigns.single.preparing import SingleDesk
from campaigns.single.sending import single_handed_over
from crm.services import profiles
from privacy.services import fingerprint_emails

logger = logging.getLogger("campaigns.single")


def work_on_single(*, worker: str, seconds: float, clock: Callable[[], datetime]) -> int:
    """Send what is due; return how many the relay took. Safe by any number of workers at once.

    One in doubt is `unknown` and never sent again: a second answer to the same request would be
    worse than one that staff have to look after. What the law requires is sent again.
    """
    sender_domain = settings.SENDER_ADDRESS.rpartition("@")[2].lower()
    with Fleet(worker=worker, load="letter", sender_domain=sender_domain) as fleet:
        turn = Turn(
            worker=worker,
            fleet=fleet,
            clock=clock,
            desk=SingleDesk(),
            gate="gate_single",
            on_sent=_left,
        )
        try:
            turn.run(seconds=seconds)
        except Halted as halted:
            logger.warning("single messages are halted: %s", halted.reason)
        return turn.handed_over


def _left(references: Sequence[UUID], now: datetime) -> None:
    single_handed_over(references=references, now=now)


def why_not_single(
    *,
    contact_id: UUID,
    purpose: str,
    kind: DeliveryKind,
    lead_id: UUID | None = None,
    ground: str = "",
) -> str | None:
    """Return in one word why a message would not be sent to a person now; None: it would.

    To tell whoever writes before they have written. The gate asks again at the last moment.
    """
    person = profiles(contact_ids=[contact_id]).get(contact_id)
    if person is None or not person.email:
        return "unreadable"
    marks = fingerprint_emails(emails=[person.email])[0].marks
    return statements.why_not_single(
        contact_id=contact_id,
        purpose=purpose,
        lead_id=lead_id,
        kind=int(kind),
        marks=marks,
        ground=ground,
    )
