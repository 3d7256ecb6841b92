"""What needs two people, kind by kind: who may ask, who may agree, and what it says in words.

`privacy.approvals` holds what is the same for every kind. Whoever brings a kind registers it here
when Django starts; the pages and the command of approvals then know it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Role

Words = str | Promise
Reference = Mapping[str, str | int]
Describer = Callable[[Reference], Sequence[tuple[Words, Words]]]

DPO, DSI = Role.DPO.value, Role.DSI.value
# Who may meet the pages at all; each kind says more narrowly who decides it.
APPROVERS = (DPO, DSI)
# A code of the command line: never words, which could be about a person.
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class KindUnknown(Exception):
    """Nobody has registered this kind of request."""


class NotAskable(Exception):
    """This cannot be asked for like this; the message says what is missing."""


@dataclass(frozen=True)
class ApprovalKind:
    """One kind. `asked_with` names what the command line must give: int, or a code."""

    code: str
    title: Words
    deciders: tuple[str, ...]
    describe: Describer
    askers: tuple[str, ...] = ()
    asked_with: Mapping[str, type] = field(default_factory=dict)
    lives: timedelta = timedelta(days=7)

    def check(self, reference: Reference) -> None:
        """Raise NotAskable unless this is a whole reference of the kind."""
        for name, kind in self.asked_with.items():
            value = reference.get(name)
            if type(value) is not kind or (kind is str and not _CODE.fullmatch(str(value))):
                shape = "a number" if kind is int else "a code such as key_lost"
                raise NotAskable(f"{name} must be given and be {shape}.")
        more = sorted(reference.keys() - self.asked_with.keys())
        if more or not self.asked_with:
            raise NotAskable(f"{', '.join(more) or self.code} cannot be asked for here.")


_KINDS: dict[str, ApprovalKind] = {}


def register_approval_kind(kind: ApprovalKind) -> None:
    """Make a kind known; the same code again replaces the first one."""
    _KINDS[kind.code] = kind


def approval_kind(code: str) -> ApprovalKind:
    """Return a kind; raises KindUnknown."""
    if code not in _KINDS:
        raise KindUnknown(KindUnknown.__doc__)
    return _KINDS[code]


def kinds_decided_by(role: str) -> list[str]:
    return [code for code, kind in _KINDS.items() if role in kind.deciders]


def kinds_met_by(role: str) -> list[str]:
    """Kinds whose requests a role sees on the pages: those it decides, and those it asks for."""
    return [code for code, kind in _KINDS.items() if role in (*kind.deciders, *kind.askers)]


# --- kinds that no page of this app asks for ---------------------------------------------------


def _key_destruction(reference: Reference) -> list[tuple[Words, Words]]:
    epoch, reason = reference.get("epoch", "?"), str(reference.get("reason", ""))
    said = _("Destroy the key of epoch %s, for ever. What only it opens can never be read again.")
    return [(_("What"), said % epoch), (_("Reason"), reason)]


def _key_schedule(reference: Reference) -> list[tuple[Words, Words]]:
    said = _(
        "Destroy every retired key %s days after its retirement, from now on, without asking again."
    )
    return [(_("What"), said % reference.get("days", "?"))]


def _as_asked(reference: Reference) -> list[tuple[Words, Words]]:
    """What was asked for, name by name: for a kind whose reference speaks for itself."""
    return [(name.replace("_", " "), str(value)) for name, value in reference.items()]


def register() -> None:
    """Register the kinds of keys and of reading; safe to repeat."""
    both = (DPO, DSI)
    for kind in (
        ApprovalKind(
            "key_destruction",
            gettext_lazy("Destruction of a key"),
            both,
            _key_destruction,
            askers=(DSI,),
            asked_with={"epoch": int, "reason": str},
        ),
        ApprovalKind(
            "key_schedule",
            gettext_lazy("Destruction of retired keys by a schedule"),
            both,
            _key_schedule,
            askers=(DSI,),
            asked_with={"days": int},
            lives=timedelta(days=366),
        ),
        ApprovalKind("read_more", gettext_lazy("Reading more contacts"), both, _as_asked),
    ):
        register_approval_kind(kind)
