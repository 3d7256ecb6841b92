"""Who wants to know that a person has answered: others register, and are told of ids."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

logger = logging.getLogger("campaigns.returns")


class OnReply(Protocol):
    """Told once per reply, by ids, in the transaction that notes it; `campaign_id` is None for a
    letter."""

    def __call__(self, *, contact_id: UUID, campaign_id: UUID | None, at: datetime) -> None: ...


_LISTENERS: dict[str, OnReply] = {}


def register_on_reply(name: str, listener: OnReply) -> Callable[[], None]:
    """Ask to be told of replies; the same name again takes the place of the earlier one.

    Return what ends it. A listener that fails is written to the log and holds nobody up: whoever
    must not miss a reply asks the timeline ("replied") too.
    """
    _LISTENERS[name] = listener

    def end() -> None:
        _LISTENERS.pop(name, None)

    return end


def tell(*, contact_id: UUID, campaign_id: UUID | None, at: datetime) -> None:
    """In the caller's transaction: a process that dies here is told again. What a listener that
    fails had written is undone, and the reply stays noted."""
    for name, listener in list(_LISTENERS.items()):
        try:
            with transaction.atomic():
                listener(contact_id=contact_id, campaign_id=campaign_id, at=at)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.error("%s was told of a reply and failed: %s", name, type(error).__name__)
