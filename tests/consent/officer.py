"""What the data protection officer writes in these tests."""

from typing import Any
from uuid import UUID

from consent import services
from consent.models import Purpose
from consent.vocabulary import DPV, PD
from tests.conftest import NOW

DOMINIQUE = UUID("0199c0de-0000-7000-8000-0000000000d0")
EVENTS: dict[str, Any] = {
    "title_fr": "Nos évènements",
    "title_en": "Our events",
    "description_fr": "Vous inviter à nos salons.",
    "description_en": "Invite you to our fairs.",
    "iri": f"{DPV}DirectMarketing",
    "more_iris": [f"{DPV}ProvideEventRecommendations"],
    "data_categories": [f"{PD}Name", f"{PD}EmailAddress"],
    "bases": ["A6-1-a"],
    "channels": ["email"],
    "is_marketing": True,
    "retention_days": 730,
    "position": 9,
}
BALANCE: dict[str, Any] = {
    "interest": "Make our fairs known.",
    "necessity": "Who does not know them cannot come.",
    "expectations": "Who left a card at one expects the next invitation.",
    "balance": "Two messages a year, with a way to say no.",
    "b2b_relevance": "The fairs are about the person's trade.",
    "safeguards": "A box on the form, a link in each message.",
    "conclusion": "The interest prevails.",
    "outcome": "prevails_with_safeguards",
    "audience": "professionals",
    "review_on": "2027-11-23",
}


def begin(code: str = "events", **changes: Any) -> None:
    services.seed_purposes(now=NOW)
    services.begin_purpose(code=code, document={**EVENTS, **changes}, actor_id=DOMINIQUE, now=NOW)


def publish(code: str = "events", at: Any = NOW) -> int:
    return services.publish_purpose(code=code, actor_id=DOMINIQUE, now=at)


def change(code: str, **changes: Any) -> None:
    services.save_purpose_draft(code=code, document=changes, actor_id=DOMINIQUE, now=NOW)


def findings(code: str = "events") -> list[str]:
    return [each.code for each in services.purpose_findings(code=code, now=NOW)]


def assess(code: str = "events", **changes: Any) -> int:
    services.save_assessment_draft(
        purpose_code=code, document={**BALANCE, **changes}, actor_id=DOMINIQUE, now=NOW
    )
    return services.approve_assessment(purpose_code=code, actor_id=DOMINIQUE, now=NOW)


def purpose(code: str = "events") -> Purpose:
    return Purpose.objects.get(code=code)
