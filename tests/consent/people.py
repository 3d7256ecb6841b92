"""The cast: Alice says yes, Bob says no, Charlie never answers. And the form they meet."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from consent import services
from consent.models import Notice
from consent.services import Answer, Basis
from privacy.services import drop_envelope
from tests.conftest import NOW

ALICE, BOB = "alice@example.org", "bob@example.org"


def newsletter(*, is_ticked: bool) -> Answer:
    return Answer("newsletter", "email", Basis.CONSENT, None, is_ticked, "Send me the newsletter")


def promotion(*, is_ticked: bool) -> Answer:
    services.seed_purposes(now=NOW)
    assessment = services.current_assessment(purpose_code="targeted_promotion")
    return Answer(
        "targeted_promotion",
        "email",
        Basis.LEGITIMATE_INTEREST,
        assessment,
        is_ticked,
        "No offers, please",
    )


def notice_id() -> UUID:
    services.seed_purposes(now=NOW)
    services.publish_notice(code="people", texts={"fr": "Avis"}, is_substantive=True, now=NOW)
    return Notice.objects.get(code="people", language="fr").id


def submit(
    subject: UUID,
    *answers: Answer,
    email: str = ALICE,
    at: datetime = NOW,
    needs_confirmation: bool = True,
    source: UUID | None = None,
) -> list[str]:
    shown = notice_id()
    with transaction.atomic():
        return services.record_answers(
            subject_id=subject,
            email=email,
            answers=answers,
            notice_id=shown,
            language="fr",
            form_code="contact",
            form_version=1,
            source_id=source or uuid4(),
            event_at=at,
            received_at=at,
            needs_confirmation=needs_confirmation,
            evidence={"network": "192.0.2.0/24"},
            now=at,
        )


def write(people: int = 1) -> list[UUID]:
    """Each of so many people answers a form, which writes some rows each."""
    made = [uuid4() for _ in range(people)]
    for subject in made:
        submit(subject, newsletter(is_ticked=True), promotion(is_ticked=False))
    return made


def decide(
    action: str, *, at: datetime = NOW, number: UUID | None = None, **document: object
) -> UUID:
    """Drop a decision as the public side does, and let the worker take it."""
    number = number or uuid4()
    drop_envelope(
        kind="decision",
        context=action,
        envelope_id=number,
        document={"action": action, "language": "fr", **document},
        now=at,
    )
    services.apply_waiting_decisions(now=at)
    return number


def permitted(subject: UUID, purpose: str = "newsletter") -> bool:
    return subject in services.permits(subject_ids=[subject], purpose_code=purpose, channel="email")


def later(**delta: float) -> datetime:
    return NOW + timedelta(**delta)
