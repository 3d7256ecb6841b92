"""People who come by a file, and the time that passes until they may be written to."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from consent import services
from consent.informing import OBJECTION_DAYS
from consent.models import LetterRequest, NoticeKind
from consent.services import ImportedPerson
from tests.conftest import NOW

SOURCE = "Salon des maires 2026"
ACTOR = UUID(int=7)


def publish_indirect_notice() -> None:
    services.seed_purposes(now=NOW)
    services.publish_notice(
        code="imported",
        texts={"fr": "Avis de l’article 14", "en": "Notice of article 14"},
        is_substantive=True,
        kind=NoticeKind.INDIRECT,
        now=NOW,
    )


def bring(
    *people: tuple[UUID, str],
    at: datetime = NOW,
    batch: UUID | None = None,
    purpose: str = "targeted_promotion",
    language: str = "fr",
    **more: str,
) -> int:
    """Import people; return how many were noted."""
    publish_indirect_notice()
    with transaction.atomic():
        return services.record_import(
            people=[ImportedPerson(number, email, language) for number, email in people],
            purpose_code=purpose,
            channel="email",
            notice_code="imported",
            notice_version=1,
            source=SOURCE,
            batch_id=batch or uuid4(),
            actor_id=ACTOR,
            now=at,
            **more,
        )


def hand_over_letters(*, at: datetime) -> None:
    """The relay takes every letter that is planned."""
    waiting = list(LetterRequest.objects.filter(handed_over_at=None).values_list("id", flat=True))
    with transaction.atomic():
        services.letters_handed_over(request_ids=waiting, now=at)


def let_time_pass(*, since: datetime) -> datetime:
    """The days in which a person may object go by; return the moment after them."""
    after = since + timedelta(days=OBJECTION_DAYS, seconds=1)
    services.settle_informed(now=after)
    return after
