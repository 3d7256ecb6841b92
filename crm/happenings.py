"""What happens with contacts, told to the floors above: they register, crm knows none of them.

A listener works inside the transaction of what happened: both are kept, or neither is.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

# (kind, contacts, code, moment): "lead" with the code of its form, "tagged" with the tag.
Listener = Callable[[str, Sequence[UUID], str, datetime], None]
# (kept, absorbed): move what is known of the absorbed contact, whose row is about to go.
Mover = Callable[[UUID, UUID], None]
_LISTENERS: list[Listener] = []
_MOVERS: list[Mover] = []


def register_listener(listener: Listener) -> None:
    """Tell `listener` what happens from now on; the same one again changes nothing."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)


def register_mover(mover: Mover) -> None:
    """Ask `mover` to follow when two contacts become one; it must be safe to repeat."""
    if mover not in _MOVERS:
        _MOVERS.append(mover)


def tell(*, kind: str, contact_ids: Sequence[UUID], code: str, at: datetime) -> None:
    for listener in _LISTENERS:
        listener(kind, contact_ids, code, at)


def move(*, kept_id: UUID, absorbed_id: UUID) -> None:
    for mover in _MOVERS:
        mover(kept_id, absorbed_id)
