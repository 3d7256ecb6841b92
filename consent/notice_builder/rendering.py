"""From a document to the text that people read: short lines under short headings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from consent.models import Basis
from consent.notice_builder.choices import interest_word

Document = dict[str, Any]
Words = Mapping[str, str]
# No-break spaces, as French typography has them before a colon.
_FRENCH: Words = {
    "who": "Qui est responsable",
    "dpo": "Délégué à la protection des données : {dpo}.",
    "what": "Pourquoi, sur quelle base, combien de temps",
    "purpose": "• {title} : {basis}. Conservation : {duration} après votre dernier contact.",
    "of": " Destinataires : {text}.",
    Basis.CONSENT: "votre consentement",
    Basis.PRE_CONTRACT: "les démarches que vous demandez avant un contrat",
    Basis.CONTRACT: "le contrat qui nous lie",
    Basis.LEGITIMATE_INTEREST: "notre intérêt légitime, qui est de {interest}",
    "source": "D’où viennent ces données, et lesquelles",
    "categories": "Données : {text}.",
    "receives": "Qui les reçoit",
    "teams": "nos équipes chargées de ces usages",
    "providers": "nos prestataires d’hébergement et d’envoi, qui n’agissent que pour nous",
    "stays": "Rien ne quitte l’Union européenne.",
    "mandatory": "Ce qu’il faut remplir",
    "rights": "Vos droits",
    "ask": "Vous pouvez demander {rights} : écrivez à {dpo}.",
    "access": "l’accès à vos données",
    "rectification": "leur rectification",
    "erasure": "leur effacement",
    "restriction": "la limitation de leur usage",
    "portability": "leur portabilité",
    "objection": "et vous opposer à leur usage",
    "no_decisions": "Aucune décision n’est prise à votre sujet par une machine seule.",
    "complaint": "Vous pouvez adresser une réclamation à la {name} ({url}).",
    "year": "{n} an",
    "years": "{n} ans",
    "month": "{n} mois",
    "months": "{n} mois",
    "day": "{n} jour",
    "days": "{n} jours",
}
_ENGLISH: Words = {
    "who": "Who is responsible",
    "dpo": "Data protection officer: {dpo}.",
    "what": "What for, on which basis, for how long",
    "purpose": "• {title}: {basis}. Kept for {duration} after your last contact with us.",
    "of": " Recipients: {text}.",
    Basis.CONSENT: "your consent",
    Basis.PRE_CONTRACT: "steps that you ask for before a contract",
    Basis.CONTRACT: "the contract between us",
    Basis.LEGITIMATE_INTEREST: "our legitimate interest, which is {interest}",
    "source": "Where this data comes from, and what it is",
    "categories": "Data: {text}.",
    "receives": "Who receives it",
    "teams": "our teams in charge of these uses",
    "providers": "our providers of hosting and mailing, who act for us alone",
    "stays": "Nothing leaves the European Union.",
    "mandatory": "What you need to fill in",
    "rights": "Your rights",
    "ask": "You may ask for {rights}: write to {dpo}.",
    "access": "access to your data",
    "rectification": "its rectification",
    "erasure": "its erasure",
    "restriction": "the restriction of its use",
    "portability": "its portability",
    "objection": "and object to its use",
    "no_decisions": "No decision about you is taken by a machine alone.",
    "complaint": "You may complain to the {name} ({url}).",
    "year": "{n} year",
    "years": "{n} years",
    "month": "{n} month",
    "months": "{n} months",
    "day": "{n} day",
    "days": "{n} days",
}


def render(*, document: Document) -> str:
    """Return the text of a document: paragraphs, each under its heading. Always the same."""
    speech = _FRENCH if document["language"] == "fr" else _ENGLISH
    paragraphs = [
        "\n".join(lines) for lines in _sections(document["facts"], document["words"], speech)
    ]
    opening, closing = document["words"].get("opening"), document["words"].get("closing")
    return "\n\n".join(each for each in (opening, *paragraphs, closing) if each)


def _sections(facts: Document, words: Words, speech: Words) -> Iterator[Sequence[str]]:
    yield speech["who"], *_controller(facts, speech)
    if "source" in facts:
        categories = _unstopped(facts["categories"])
        yield (
            speech["source"],
            facts["source"],
            *([speech["categories"].format(text=categories)] if categories else ()),
        )
    yield speech["what"], *(_purpose(each, facts, words, speech) for each in facts["purposes"])
    yield speech["receives"], _recipients(facts, speech)
    if mandatory := words.get("mandatory"):
        yield speech["mandatory"], mandatory
    yield speech["rights"], *_rights(facts, words, speech)


def _controller(facts: Document, speech: Words) -> Iterator[str]:
    yield ", ".join(each for each in facts["controller"].values() if each) + "."
    yield speech["dpo"].format(dpo=facts["dpo"])


def _purpose(told: Document, facts: Document, words: Words, speech: Words) -> str:
    code = told["code"]
    interest = _unstopped(words.get(interest_word(code), ""))
    line = speech["purpose"].format(
        title=told["title"],
        basis=speech[facts["bases"][code]].format(interest=interest),
        duration=duration(days=facts["retention"][code], speech=speech),
    )
    text = facts["recipients"]["of"].get(code)
    return line + (speech["of"].format(text=_unstopped(text)) if text else "")


def duration(*, days: int, speech: Words) -> str:
    """Return a number of days as people say it: 1095 is three years, 180 six months."""
    for length, one, many in ((365, "year", "years"), (30, "month", "months")):
        if days and not days % length:
            n = days // length
            return speech[one if n == 1 else many].format(n=n)
    return speech["day" if days == 1 else "days"].format(n=days)


def _recipients(facts: Document, speech: Words) -> str:
    who = facts["recipients"]["who"]
    named = [speech[each] for each in ("teams", "providers") if each in who]
    if facts["recipients"]["others"]:
        named.append(_unstopped(facts["recipients"]["others"]))
    receivers = "; ".join(named) if speech is _ENGLISH else " ; ".join(named)
    where = facts["transfers"]["where"] or speech["stays"]
    return f"{receivers[:1].upper()}{receivers[1:]}. {where}" if receivers else where


def _rights(facts: Document, words: Words, speech: Words) -> Iterator[str]:
    rights = [speech[each] for each in facts["rights"]]
    asked = ", ".join(rights[:-1]) + " " + rights[-1]
    yield speech["ask"].format(rights=asked, dpo=facts["dpo"])
    if withdrawal := words.get("withdrawal"):
        yield withdrawal
    yield facts["decisions"]["how"] or speech["no_decisions"]
    yield speech["complaint"].format(**facts["authority"])


def _unstopped(text: str) -> str:
    return text.strip().rstrip(".")
