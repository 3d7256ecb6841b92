"""A "no" by a mail to the address that List-Unsubscribe names: the same decision as by its link.

The token of the link stands in the subject, so whoever takes the mail in needs no key and keeps
the decision as the public page does: it is honoured by the next gate, like a press of the button.
"""

import re
from datetime import datetime
from uuid import UUID

from consent.decisions import KIND
from privacy.services import drop_envelope, has_link_shape

_WORD = re.compile(r"[A-Za-z0-9_-]{60,200}")


def drop_opt_out(*, subject: str, envelope_id: UUID, now: datetime) -> bool:
    """Keep the decision that the subject of a mail takes; return whether there is one.

    Dropping the same id again changes nothing. Raises IntakeClosed when it could not be kept.
    """
    tokens = [word for word in _WORD.findall(subject[:1_000]) if has_link_shape(token=word)]
    if not tokens:
        return False
    drop_envelope(
        kind=KIND,
        context="opt_out",
        envelope_id=envelope_id,
        document={"action": "opt_out", "language": "fr", "token": tokens[0], "by": "mail"},
        now=now,
    )
    return True
