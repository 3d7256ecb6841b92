"""What the data protection officer chooses and writes of a notice, before it is a text."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from consent.models import Basis, NoticeKind, Purpose
from consent.notice_builder.starting import MANDATORY, STARTING_INTERESTS, STARTING_WORDS
from consent.purposes import current_assessment

Document = dict[str, Any]
LANGUAGES = ("fr", "en")
# Who may receive data. "others" are named by the officer.
NOTICE_RECIPIENTS = ("teams", "providers", "others")
_INTEREST = "interest:"
# The words that say a fact: another word may be another fact.
FACT_WORDS = ("others", "transfers", "decisions", "source", "categories")


@dataclass(frozen=True)
class NoticeChoices:
    """A notice in the making. `bases` is purpose code -> lawful basis, `words` is per language."""

    kind: str = NoticeKind.DIRECT.value
    bases: dict[str, str] = field(default_factory=dict)
    recipients: list[str] = field(default_factory=list)
    leaves_union: bool = False
    has_decisions: bool = False
    words: dict[str, dict[str, str]] = field(default_factory=dict)

    def said(self, language: str, name: str) -> str:
        return self.words.get(language, {}).get(name, "").strip()

    def document(self) -> Document:
        return asdict(self)

    @property
    def interests(self) -> list[str]:
        """The purposes that rest on legitimate interest: each says which one (GDPR 13(1)(d))."""
        return [code for code, basis in self.bases.items() if basis == Basis.LEGITIMATE_INTEREST]

    @property
    def rests_on_consent(self) -> bool:
        return Basis.CONSENT in self.bases.values()


def interest_word(purpose_code: str) -> str:
    """Return the name of the words that say which interest a purpose pursues."""
    return f"{_INTEREST}{purpose_code}"


def word_names(choices: NoticeChoices) -> Iterator[str]:
    """Yield the names of the words that this notice can use."""
    yield "opening"
    yield from (interest_word(code) for code in choices.interests)
    yield from ("others", "transfers")
    if choices.kind == NoticeKind.INDIRECT:
        yield from ("source", "categories")
    else:
        yield "mandatory"
    yield from ("withdrawal", "decisions", "closing")


def starting_choices(*, kind: str) -> NoticeChoices:
    """Return a notice that is whole but for what only the officer knows."""
    chosen = {
        purpose.code: basis
        for purpose in usable_purposes()
        if purpose.code in STARTING_INTERESTS and (basis := _first_basis(purpose))
    }
    words = {language: dict(STARTING_WORDS[language]) for language in LANGUAGES}
    for language in LANGUAGES:
        for code, interests in STARTING_INTERESTS.items():
            if text := interests.get(language):
                words[language][interest_word(code)] = text
        if kind == NoticeKind.DIRECT:
            words[language]["mandatory"] = MANDATORY[language]
    return NoticeChoices(kind=kind, bases=chosen, recipients=["teams", "providers"], words=words)


@dataclass(frozen=True)
class OfferedPurpose:
    """A purpose that a notice can speak of, and the bases that it may rest on now."""

    code: str
    title: str
    description: str
    bases: tuple[str, ...]


def offered_purposes(*, language: str) -> list[OfferedPurpose]:
    """Return what a notice can speak of, in `language` (fr, else en)."""
    tongue = "fr" if language == "fr" else "en"
    return [
        OfferedPurpose(
            purpose.code,
            getattr(purpose, f"title_{tongue}"),
            getattr(purpose, f"description_{tongue}"),
            tuple(possible_bases(purpose)),
        )
        for purpose in usable_purposes()
    ]


def usable_purposes() -> list[Purpose]:
    """Return the published purposes, in the order of pages."""
    rows = Purpose.objects.filter(published_at__isnull=False, retired_at__isnull=True)
    return list(rows.order_by("position", "code"))


def possible_bases(purpose: Purpose) -> list[str]:
    """Return the bases that a purpose may rest on now: no interest without its assessment."""
    may_claim = current_assessment(purpose_code=purpose.code) is not None
    return [each for each in purpose.bases if each != Basis.LEGITIMATE_INTEREST or may_claim]


def _first_basis(purpose: Purpose) -> str | None:
    """What the forms of the house usually say: an interest where one was weighed."""
    bases = possible_bases(purpose)
    if purpose.code in _WEIGHED and Basis.LEGITIMATE_INTEREST in bases:
        return Basis.LEGITIMATE_INTEREST.value
    return bases[0] if bases else None


_WEIGHED = ("targeted_promotion", "phone_prospecting")


def choices_of(*, document: Mapping[str, Any]) -> NoticeChoices:
    """Return what was kept of a draft; what is not known any more is left out."""
    return NoticeChoices(
        kind=str(document["kind"]),
        bases=dict(document["bases"]),
        recipients=list(document["recipients"]),
        leaves_union=bool(document["leaves_union"]),
        has_decisions=bool(document["has_decisions"]),
        words={language: dict(words) for language, words in document["words"].items()},
    )


def choices_behind(*, documents: Mapping[str, Document]) -> NoticeChoices:
    """Return the choices that published documents were composed from."""
    first = next(iter(documents.values()))
    facts = first["facts"]
    return NoticeChoices(
        kind=first["kind"],
        bases={each["code"]: facts["bases"][each["code"]] for each in facts["purposes"]},
        recipients=list(facts["recipients"]["who"]),
        leaves_union=facts["transfers"]["leaves_union"],
        has_decisions=facts["decisions"]["has_decisions"],
        words={language: dict(each["words"]) for language, each in documents.items()},
    )
