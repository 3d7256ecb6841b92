"""One message that came back by mail is taken in: sealed and on disk, or not taken."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid5

from campaigns.returns.addresses import is_opt_out, subject_of
from campaigns.returns.arriving import MAIL, id_of, keep
from consent.services import drop_opt_out


def take_mail(*, content: bytes, recipients: Sequence[str], now: datetime) -> None:
    """Keep a message for sure; when this returns, its sender may forget it.

    A mail to the address of List-Unsubscribe, with the token in its subject, becomes the decision
    that it is at once, and nothing else of it is kept. The same message again changes nothing.
    Raises IntakeClosed when it could not be kept.
    """
    facts = {"recipients": " ".join(recipients)}
    if any(is_opt_out(address) for address in recipients):
        number = uuid5(id_of(MAIL, content, facts), "opt-out")
        if drop_opt_out(subject=subject_of(content), envelope_id=number, now=now):
            return
    keep(source=MAIL, content=content, facts=facts, now=now)
