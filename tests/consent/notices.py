"""A company whose settings a notice can be made of, and its first notice."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from consent import services
from consent.services import NoticeChoices, starting_choices
from tests.conftest import NOW

ADDRESS, OFFICER = "12 quai des Ateliers, 44000 Nantes", "dpo@nordelia.example"


@pytest.fixture
def company(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Nordelia"
    settings.ORGANISATION_ADDRESS = ADDRESS
    settings.DPO_ADDRESS = OFFICER
    services.seed_purposes(now=NOW)


def choices(*, kind: str = "direct", **changes: Any) -> NoticeChoices:
    return replace(starting_choices(kind=kind), **changes)


def worded(said: NoticeChoices, language: str, **words: str) -> NoticeChoices:
    """The same notice with other words in one language."""
    return replace(said, words={**said.words, language: {**said.words[language], **words}})


def drafted(said: NoticeChoices, *, code: str = "built") -> None:
    if services.notice_choices(code=code) is None:
        services.begin_notice(code=code, kind=said.kind, actor_id=None, now=NOW)
    services.write_notice(code=code, choices=said, actor_id=None, now=NOW)


def built(said: NoticeChoices | None = None, *, code: str = "built") -> int:
    """Publish a notice of the builder as the next version."""
    drafted(said or choices(), code=code)
    return services.publish_notice_draft(code=code, actor_id=None, now=NOW)


def corrected(said: NoticeChoices, *, code: str = "built") -> int:
    drafted(said, code=code)
    return services.correct_notice_by_draft(code=code, actor_id=None, now=NOW)
