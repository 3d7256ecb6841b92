"""Blocks that only some people get: a closed list of facts, no logic beyond "and", no script.

``accord-if="language is fr and tag has salon-2026"`` stands on a section, a wrapper, a hero or a
column. In a frozen mail the block stands between ``{{#if ...}}`` and ``{{/if}}``, which no author
can write: two braces that are not a merge field are refused in every source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from campaigns.content.findings import BrokenTemplate, Finding

ATTRIBUTE = "accord-if"
TAGS = frozenset({"mj-section", "mj-wrapper", "mj-hero", "mj-column"})
# What a person is, as a set of words per fact. A fact that is not known of them has none.
Facets = Mapping[str, frozenset[str]]

_CHOICES = ("language", "country", "status", "source")
_MOST_TESTS, _MOST_WORDS = 4, 20
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_TEST = re.compile(
    rf"(?P<flag_not>not )?(?P<flag>is_professional)"
    rf"|(?P<fact>{'|'.join(_CHOICES)}) is (?P<is_not>not )?(?P<is_many>one of )?(?P<is>.+)"
    r"|tag has (?P<has_not>not )?(?P<has_many>one of )?(?P<has>.+)"
)
_JOINT = re.compile(r"\{\{#if (?P<condition>[^{}]{1,2000})\}\}|(?P<end>\{\{/if\}\})")


@dataclass(frozen=True, slots=True)
class Check:
    """One fact and the words that it is compared with."""

    fact: str
    words: tuple[str, ...]
    is_negated: bool = False

    def holds(self, facets: Facets) -> bool:
        has = not facets.get(self.fact, frozenset()).isdisjoint(self.words)
        return has != self.is_negated

    @property
    def source(self) -> str:
        if self.fact == "is_professional":
            return "not is_professional" if self.is_negated else "is_professional"
        verb = "tag has" if self.fact == "tag" else f"{self.fact} is"
        no = " not" if self.is_negated else ""
        many = " one of" if len(self.words) > 1 else ""
        return f"{verb}{no}{many} {','.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must all be true of a person for a block to stand in their mail."""

    checks: tuple[Check, ...]

    def holds(self, facets: Facets) -> bool:
        return all(check.holds(facets) for check in self.checks)

    @property
    def source(self) -> str:
        return " and ".join(check.source for check in self.checks)


@dataclass(frozen=True, slots=True)
class Fence:
    """Where a conditional block begins, or with no condition where the innermost one ends."""

    condition: Condition | None = None

    @property
    def canonical(self) -> str:
        return "{{/if}}" if self.condition is None else "{{#if " + self.condition.source + "}}"

    def escaped(self, _values: Mapping[str, str]) -> str:
        return ""


class BadCondition(ValueError):
    """A condition that cannot be read; the argument says why, in the active language."""


def read_condition(text: str) -> Condition:
    """Return the condition that a template writes. Raises BadCondition."""
    parts = re.split(r"\s+and\s+", " ".join(text.split()))
    if len(parts) > _MOST_TESTS:
        raise BadCondition(_("At most four conditions can be joined by “and”."))
    return Condition(tuple(_read_check(part) for part in parts))


def _read_check(text: str) -> Check:
    match = _TEST.fullmatch(text)
    if match is None:
        raise BadCondition(
            _(
                "A condition is written like: language is fr, country is one of FR,BE, "
                "tag has salon-2026, is_professional."
            )
        )
    if match["flag"]:
        return Check("is_professional", ("yes",), bool(match["flag_not"]))
    fact = match["fact"] or "tag"
    negated = match["is_not"] or match["has_not"]
    words = _words(match["is"] or match["has"], many=bool(match["is_many"] or match["has_many"]))
    if fact == "country":
        words = tuple(word.upper() for word in words)
    elif fact == "language":
        words = tuple(word.lower() for word in words)
    return Check(fact, words, bool(negated))


def _words(text: str, *, many: bool) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if len(words) > 1 and not many:
        raise BadCondition(_("Several values are written with “one of”, as in: is one of FR,BE."))
    if len(words) > _MOST_WORDS:
        raise BadCondition(_("A condition compares with at most twenty values."))
    if not all(re.fullmatch(_WORD, word) for word in words):
        raise BadCondition(
            _("A value is one word: letters, digits, dash, dot or underscore, without quotes.")
        )
    return words


@dataclass(frozen=True, slots=True)
class PlacedFence:
    """A fence as a frozen mail holds it, at an offset from 0."""

    fence: Fence
    start: int
    end: int


def fences(frozen: str) -> list[PlacedFence]:
    """Every fence of a frozen mail, with where it stands. Raises BrokenTemplate if they do not
    pair, or hold what no compiler wrote."""
    found: list[PlacedFence] = []
    depth = 0
    for match in _JOINT.finditer(frozen):
        depth += -1 if match["end"] else 1
        if depth < 0:
            raise _changed()
        condition = None if match["end"] else _frozen_condition(match["condition"])
        found.append(PlacedFence(Fence(condition), *match.span()))
    if depth:
        raise _changed()
    return found


def _frozen_condition(text: str) -> Condition:
    try:
        return read_condition(text)
    except BadCondition:
        raise _changed() from None


def _changed() -> BrokenTemplate:
    text = _("The frozen mail was changed: its conditional blocks do not end where they began.")
    return BrokenTemplate([Finding(0, 0, "bad-fence", text)])
