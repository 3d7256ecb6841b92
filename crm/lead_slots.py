"""What floors above put on the page of a lead: acts, and the messages that were sent about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise

Words = str | Promise


@dataclass(frozen=True)
class LeadAction:
    """A button on the page of a lead; its address takes the lead's id."""

    url_name: str
    label: Words
    icon: str
    position: int
    roles: tuple[str, ...]

    def url(self, lead_id: UUID) -> str:
        return reverse(self.url_name, args=[lead_id])


@dataclass(frozen=True, repr=False)
class LeadMessage:
    """A message about a lead; `text` is None where its key is gone. It has no repr."""

    id: UUID
    at: datetime
    written_by: UUID | None
    subject: str
    text: str | None
    state: Words
    colour: str
    # Why it was not sent, in words.
    reason: Words = ""


MessagesOf = Callable[[UUID], Sequence[LeadMessage]]
_ACTIONS: dict[str, LeadAction] = {}
_MESSAGES: list[MessagesOf] = []


def register_lead_action(
    *, url_name: str, label: Words, icon: str, position: int, roles: tuple[str, ...]
) -> None:
    """Add a button to the page of a lead; the same url_name again replaces the first one."""
    _ACTIONS[url_name] = LeadAction(url_name, label, icon, position, roles)


def register_lead_messages(*, provider: MessagesOf) -> None:
    """Say who knows the messages about a lead; asked once a page. The last one registered does."""
    _MESSAGES[:] = [provider]


def lead_actions(*, role: str) -> list[LeadAction]:
    mine = [one for one in _ACTIONS.values() if role in one.roles]
    return sorted(mine, key=lambda one: one.position)


def lead_messages(*, lead_id: UUID) -> Sequence[LeadMessage]:
    return [one for provider in _MESSAGES for one in provider(lead_id)]
