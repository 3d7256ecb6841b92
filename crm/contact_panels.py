"""What the floors above show on the page of a contact: each registers a panel at start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crm.models import Account

# The context of a panel's template for a contact and who looks; None shows no panel.
Provider = Callable[[UUID, Account], dict[str, Any] | None]


@dataclass(frozen=True)
class Panel:
    template: str
    position: int
    provider: Provider


@dataclass(frozen=True)
class ShownPanel:
    template: str
    context: dict[str, Any]


_PANELS: dict[str, Panel] = {}


def register_contact_panel(*, code: str, template: str, position: int, provider: Provider) -> None:
    """Add a panel to the page of a contact; `provider` is asked once per view."""
    _PANELS[code] = Panel(template, position, provider)


def panels_of(*, contact_id: UUID, account: Account) -> Sequence[ShownPanel]:
    shown = []
    for panel in sorted(_PANELS.values(), key=lambda each: each.position):
        context = panel.provider(contact_id, account)
        if context is not None:
            shown.append(ShownPanel(panel.template, context))
    return shown
