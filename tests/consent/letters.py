"""The letters that consent asks for, and what their readers do with them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from consent import services
from consent.services import Explanation
from tests.conftest import NOW
from tests.consent.people import (
    ALICE,
    decide,
)


class Letters:
    """A courier that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.requests: list[UUID] = []

    def plan_letters(self, *, kind: str, letters: Mapping[UUID, UUID], now: datetime) -> None:
        self.requests += letters

    def plan_letter(
        self, *, kind: str, reference_id: UUID, subject_id: UUID, now: datetime
    ) -> None:
        self.requests.append(reference_id)


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


def links_of(subject: UUID, purpose: str = "newsletter") -> services.OptOutLinks:
    return services.opt_out_links(subjects={subject: ALICE}, purpose_code=purpose, now=NOW)[subject]


def confirmation_letter(letters: Letters, *, at: datetime = NOW) -> services.Letter:
    letter = services.write_letter(
        kind="confirmation", reference_id=letters.requests[-1], email=ALICE, now=at
    )
    assert letter is not None
    return letter


def confirm(letters: Letters, *, at: datetime = NOW) -> UUID:
    return decide(
        "confirm", at=at, token=token_of(confirmation_letter(letters, at=at).values["confirm_url"])
    )


def explained(subject: UUID, purpose: str = "newsletter") -> Explanation:
    return services.explain(subject_id=subject, purpose_code=purpose, channel="email")
