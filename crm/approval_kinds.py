"""What needs two people, kind by kind: who may ask, who may agree, and what it says in words.

`privacy.approvals` holds what is the same for every kind. Whoever brings a kind registers it here
when Django starts; the pages and the command of approvals then know it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils.functional import Promise

from crm.models import Role

Words = str | Promise
Reference = Mapping[str, str | int]
Facts = Sequence[tuple[Words, Words]]
Describer = Callable[[Reference], Facts]

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
    """One kind. `asked_with` names what the command line must give: int, or a code.

    `fixed` is what nothing else can be asked for. `about` names the account in the reference whom
    it is for, and who therefore never decides it. A kind whose words stand in tables brings
    `describe_all`, and one whose requests can be taken back `taken_back`: for a whole page at once.
    """

    code: str
    title: Words
    deciders: tuple[str, ...]
    describe: Describer
    askers: tuple[str, ...] = ()
    asked_with: Mapping[str, type] = field(default_factory=dict)
    lives: timedelta = timedelta(days=7)
    fixed: Reference = field(default_factory=dict)
    about: str = ""
    describe_all: Callable[[Sequence[Reference]], Sequence[Facts]] | None = None
    taken_back: Callable[[Sequence[Reference]], Sequence[bool]] | None = None

    def check(self, reference: Reference) -> None:
        """Raise NotAskable unless this is a whole reference of the kind."""
        for name, kind in self.asked_with.items():
            value = reference.get(name)
            if type(value) is not kind or (kind is str and not _CODE.fullmatch(str(value))):
                shape = "a number" if kind is int else "a code such as departure"
                raise NotAskable(f"{name} must be given and be {shape}.")
        more = sorted(reference.keys() - self.asked_with.keys())
        if more or not self.asked_with:
            raise NotAskable(f"{', '.join(more) or self.code} cannot be asked for here.")
        for name, value in self.fixed.items():
            if reference.get(name) != value:
                raise NotAskable(f"{name} can only be {value}.")

    def facts(self, references: Sequence[Reference]) -> Sequence[Facts]:
        """Return the words of each, in their order; a fixed number of queries for all."""
        if self.describe_all is not None:
            return self.describe_all(references)
        return [self.describe(reference) for reference in references]

    def are_taken_back(self, references: Sequence[Reference]) -> Sequence[bool]:
        """Say of each whether whoever asked has no more use for it; one query for all."""
        return self.taken_back(references) if self.taken_back else [False] * len(references)


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
