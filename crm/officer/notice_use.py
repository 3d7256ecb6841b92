"""Which forms show which notice. Forms belong to a floor above: they register who knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NoticeUse:
    """A version of a form that shows, or showed, a version of a notice."""

    notice_version: int
    name: str
    url: str
    form_version: int
    since: datetime | None
    until: datetime | None = None

    @property
    def is_public(self) -> bool:
        return self.since is not None and self.until is None


Provider = Callable[[str], Sequence[NoticeUse]]
_PROVIDERS: dict[str, Provider] = {}


def register_notice_uses(*, source: str, provider: Provider) -> None:
    """Say who knows what shows a notice; the same source again replaces the first one."""
    _PROVIDERS[source] = provider


def notice_uses(*, code: str) -> list[NoticeUse]:
    """Return what shows a notice or showed it, what is public first, then the newest."""
    found = [use for provider in _PROVIDERS.values() for use in provider(code)]
    return sorted(found, key=lambda use: (not use.is_public, use.name, -use.form_version))
