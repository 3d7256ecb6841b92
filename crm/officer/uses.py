"""Who uses a purpose: the floors above say so, because crm knows none of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PurposeUse:
    """Something that asks people for a purpose now, with the page of it."""

    title: str
    url: str


Provider = Callable[[], Mapping[str, Sequence[PurposeUse]]]
_REGISTERED: dict[str, Provider] = {}


def register_purpose_uses(*, name: str, provider: Provider) -> None:
    """Say who knows what uses a purpose (purpose code -> uses); one provider per name."""
    _REGISTERED[name] = provider


def purpose_uses() -> dict[str, list[PurposeUse]]:
    """Return purpose code -> everything that uses it now."""
    found: dict[str, list[PurposeUse]] = {}
    for provider in _REGISTERED.values():
        for code, uses in provider().items():
            found.setdefault(code, []).extend(uses)
    return found
