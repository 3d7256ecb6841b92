"""From choices to a document: every fact of the notice in one place, in one language.

The facts come from the settings and the published purposes as they are now. A correction may
touch the words and never the facts.
"""

from typing import Any

from django.conf import settings

from consent.models import NoticeKind, Purpose
from consent.notice_builder.choices import (
    FACT_WORDS,
    NOTICE_RECIPIENTS,
    NoticeChoices,
    usable_purposes,
    word_names,
)

Document = dict[str, Any]
SCHEMA = 1
# GDPR 13(2)(b) and 14(2)(c): none of them is the officer's to leave out.
RIGHTS = ("access", "rectification", "erasure", "restriction", "portability", "objection")
AUTHORITY = {"name": "CNIL", "url": "https://www.cnil.fr"}


def compose(*, choices: NoticeChoices, language: str) -> Document:
    """Return the document of a notice in one language."""
    told = [purpose for purpose in usable_purposes() if purpose.code in choices.bases]
    words = {name: choices.said(language, name) for name in word_names(choices)}
    return {
        "schema": SCHEMA,
        "kind": choices.kind,
        "language": language,
        "facts": _facts(choices, told, language),
        "words": {name: text for name, text in words.items() if text},
    }


def _facts(choices: NoticeChoices, told: list[Purpose], language: str) -> Document:
    said = {name: choices.said(language, name) for name in FACT_WORDS}
    facts: Document = {
        "controller": {
            "name": settings.ORGANISATION_NAME,
            "address": settings.ORGANISATION_ADDRESS,
        },
        "dpo": settings.DPO_ADDRESS,
        "purposes": [{"code": each.code, "title": _in(each, "title", language)} for each in told],
        "bases": {each.code: choices.bases[each.code] for each in told},
        "retention": {each.code: each.retention_days for each in told},
        "recipients": {
            "who": [each for each in NOTICE_RECIPIENTS if each in choices.recipients],
            "others": said["others"] if "others" in choices.recipients else "",
            "of": {each.code: text for each in told if (text := _in(each, "recipients", language))},
        },
        "transfers": {
            "leaves_union": choices.leaves_union,
            "where": said["transfers"] if choices.leaves_union else "",
        },
        "rights": list(RIGHTS),
        "authority": AUTHORITY,
        "decisions": {
            "has_decisions": choices.has_decisions,
            "how": said["decisions"] if choices.has_decisions else "",
        },
    }
    if choices.kind == NoticeKind.INDIRECT:
        facts |= {"source": said["source"], "categories": said["categories"]}
    return facts


def _in(purpose: Purpose, name: str, language: str) -> str:
    text: str = getattr(purpose, f"{name}_{'fr' if language == 'fr' else 'en'}")
    return text.strip()
