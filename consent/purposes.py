"""The purposes a company starts with, and the assessments that legitimate interest needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

from consent.models import BalancingAssessment, Channel, Purpose

DPV = "https://w3id.org/dpv#"
PROSPECT_DAYS = 3 * 365  # three years from the person's last act (CNIL deliberation 2021-131)
REQUEST_DAYS = 365


@dataclass(frozen=True)
class PurposeText:
    """A purpose in one language."""

    code: str
    number: int
    title: str
    description: str
    is_marketing: bool
    channels: Sequence[str]


_EMAIL, _PHONE = [Channel.EMAIL.value], [Channel.PHONE.value]

PURPOSES = [
    Purpose(
        code="reply_to_request",
        number=1,
        iri=f"{DPV}RequestedServiceProvision",
        title_fr="Répondre à votre demande",
        title_en="Answer your request",
        description_fr="Lire votre message et vous répondre.",
        description_en="Read your message and answer you.",
        channels=[*_EMAIL, *_PHONE],
        is_marketing=False,
        retention_days=REQUEST_DAYS,
        position=1,
    ),
    Purpose(
        code="newsletter",
        number=2,
        iri=f"{DPV}DirectMarketing",
        title_fr="Notre lettre d’information",
        title_en="Our newsletter",
        description_fr="Recevoir nos nouvelles, nos conseils et nos invitations.",
        description_en="Receive our news, advice and invitations.",
        channels=_EMAIL,
        is_marketing=True,
        retention_days=PROSPECT_DAYS,
        position=2,
    ),
    Purpose(
        code="targeted_promotion",
        number=3,
        iri=f"{DPV}DirectMarketing",
        title_fr="Des offres choisies pour votre activité",
        title_en="Offers chosen for your work",
        description_fr="Vous proposer des produits et services proches de votre métier.",
        description_en="Offer you products and services close to your work.",
        channels=_EMAIL,
        is_marketing=True,
        retention_days=PROSPECT_DAYS,
        position=3,
    ),
    Purpose(
        code="phone_prospecting",
        number=4,
        iri=f"{DPV}DirectMarketing",
        title_fr="Vous appeler au sujet de nos produits",
        title_en="Call you about our products",
        description_fr="Un appel de notre équipe commerciale à votre numéro professionnel.",
        description_en="A call from our sales team to your number at work.",
        channels=_PHONE,
        is_marketing=True,
        retention_days=PROSPECT_DAYS,
        position=4,
    ),
    Purpose(
        code="service_information",
        number=5,
        iri=f"{DPV}CommunicationForCustomerCare",
        title_fr="Informations sur un service que vous utilisez",
        title_en="Information about a service you use",
        description_fr="Interruptions prévues, sécurité, changements du contrat.",
        description_en="Planned interruptions, security, changes of contract.",
        channels=_EMAIL,
        is_marketing=False,
        retention_days=REQUEST_DAYS,
        position=5,
    ),
    Purpose(
        code="email_measurement",
        number=6,
        iri=f"{DPV}ServiceUsageAnalytics",
        title_fr="Mesurer si vous ouvrez nos e-mails",
        title_en="Measure whether you open our e-mails",
        description_fr="Savoir quels messages vous ouvrez et quels liens vous suivez.",
        description_en="Know which messages you open and which links you follow.",
        channels=_EMAIL,
        is_marketing=True,
        retention_days=PROSPECT_DAYS,
        position=6,
    ),
]

_ASSESSED = ("targeted_promotion", "phone_prospecting")


def seed_purposes(*, now: datetime) -> None:
    """Write the purposes and first assessments that are missing; existing ones are left alone."""
    Purpose.objects.bulk_create(PURPOSES, ignore_conflicts=True)
    for code in _ASSESSED:
        if not BalancingAssessment.objects.filter(purpose_id=code).exists():
            _first_assessment(code, now)


def _first_assessment(code: str, now: datetime) -> None:
    BalancingAssessment.objects.create(
        id=uuid_utils.compat.uuid7(),
        purpose_id=code,
        version=1,
        interest="Make our products known to professionals whose work they concern.",
        necessity="The people concerned do not look for us by themselves; few messages are sent.",
        balance="Only professional data given by the person; a no in one click, in every message.",
        b2b_relevance="What is offered concerns the person's occupation (CNIL, B2B prospecting).",
        conclusion="The interest prevails as long as every message offers a no and it is honoured.",
        approved_at=now,
    )


def current_assessment(*, purpose_code: str) -> UUID | None:
    """Return the newest balancing assessment of a purpose, None if it has none."""
    newest = BalancingAssessment.objects.filter(purpose_id=purpose_code).order_by("-version")
    return newest.values_list("id", flat=True).first()


def text_of(purpose: Purpose, language: str) -> PurposeText:
    is_french = language == "fr"
    return PurposeText(
        purpose.code,
        purpose.number,
        purpose.title_fr if is_french else purpose.title_en,
        purpose.description_fr if is_french else purpose.description_en,
        purpose.is_marketing,
        tuple(purpose.channels),
    )


def purposes(*, language: str) -> list[PurposeText]:
    """Return every purpose in `language` (fr, else en), in the order of pages."""
    return [text_of(row, language) for row in Purpose.objects.order_by("position", "code")]
