"""What the shell shows of the apps: each one registers its menu, cards and lists at start.

The shell belongs to crm and knows no app above it: they call these functions from AppConfig.ready.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.models import Account

Label = object  # a str, or a lazy translation that becomes one in a template


class _Placed(Protocol):
    @property
    def position(self) -> int: ...
    @property
    def roles(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=_Placed)


@dataclass(frozen=True)
class MenuItem:
    """One entry of the sidebar; no roles means every role."""

    url_name: str
    label: Label
    icon: str
    position: int
    roles: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class CardValue:
    """What a card of the home page says now; a `url` makes the card a link."""

    value: int | str
    detail: Label = ""
    url: str = ""


@dataclass(frozen=True)
class Card:
    code: str
    label: Label
    icon: str
    position: int
    roles: tuple[str, ...]
    provider: Callable[[Account, datetime], CardValue]


@dataclass(frozen=True)
class ListRow:
    """One line of a list on the home page."""

    title: str
    url: str
    detail: Label = ""
    at: datetime | None = None
    badge: Label = ""


@dataclass(frozen=True)
class HomeList:
    code: str
    title: Label
    position: int
    roles: tuple[str, ...]
    provider: Callable[[Account, datetime], Sequence[ListRow]]
    more_url_name: str
    empty_text: Label

    @property
    def more_url(self) -> str:
        return reverse(self.more_url_name)


@dataclass(frozen=True)
class FirstStep:
    """Something a new installation still needs; it leaves the home page once done."""

    code: str
    label: Label
    text: Label
    url_name: str
    icon: str
    position: int
    roles: tuple[str, ...]
    is_done: Callable[[], bool]

    @property
    def url(self) -> str:
        return reverse(self.url_name)


_MENU: dict[str, MenuItem] = {"home": MenuItem("home", _("Home"), "home", 0)}
_CARDS: dict[str, Card] = {}
_LISTS: dict[str, HomeList] = {}
_STEPS: dict[str, FirstStep] = {}


def register_menu(
    *, url_name: str, label: Label, icon: str, position: int, roles: tuple[str, ...] = ()
) -> None:
    """Add an entry to the sidebar; the same url_name again replaces the first one."""
    _MENU[url_name] = MenuItem(url_name, label, icon, position, roles)


def register_card(
    *,
    code: str,
    label: Label,
    icon: str,
    position: int,
    provider: Callable[[Account, datetime], CardValue],
    roles: tuple[str, ...] = (),
) -> None:
    """Add a card to the home page; `provider` is asked once per view and must be quick."""
    _CARDS[code] = Card(code, label, icon, position, roles, provider)


def register_home_list(
    *,
    code: str,
    title: Label,
    position: int,
    provider: Callable[[Account, datetime], Sequence[ListRow]],
    more_url_name: str,
    empty_text: Label,
    roles: tuple[str, ...] = (),
) -> None:
    """Add a list to the home page; `provider` returns the few rows to show, newest first."""
    _LISTS[code] = HomeList(code, title, position, roles, provider, more_url_name, empty_text)


def register_first_step(
    *,
    code: str,
    label: Label,
    text: Label,
    url_name: str,
    icon: str,
    position: int,
    is_done: Callable[[], bool],
    roles: tuple[str, ...] = (),
) -> None:
    """Add a first step to the home page, shown until `is_done` says so."""
    _STEPS[code] = FirstStep(code, label, text, url_name, icon, position, roles, is_done)


def _for_role(items: Iterable[T], role: str) -> list[T]:
    mine = [item for item in items if not item.roles or role in item.roles]
    return sorted(mine, key=lambda item: item.position)


def menu_of(*, role: str) -> list[MenuItem]:
    return _for_role(_MENU.values(), role)


def cards_of(*, role: str) -> list[Card]:
    return _for_role(_CARDS.values(), role)


def lists_of(*, role: str) -> list[HomeList]:
    return _for_role(_LISTS.values(), role)


def steps_of(*, role: str) -> list[FirstStep]:
    """Return the first steps of this role that are still to do."""
    return [step for step in _for_role(_STEPS.values(), role) if not step.is_done()]
