"""The purposes a company starts with, and the assessments that legitimate interest needs."""

import hashlib
import json
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat

from consent.models import BalancingAssessment, Basis, Channel, Purpose, PurposeVersion
from consent.vocabulary import DPV, PD

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
    # Empty for a purpose that is older than the officer's list of its bases.
    bases: Sequence[str] = ()
    recipients: str = ""
    retention_days: int = 0
    # Not offered any more; its name is needed to show what was.
    is_retired: bool = False


_EMAIL, _PHONE = [Channel.EMAIL.value], [Channel.PHONE.value]
_CONSENT, _INTEREST = Basis.CONSENT.value, Basis.LEGITIMATE_INTEREST.value
_WRITTEN_TO = [f"{PD}Name", f"{PD}EmailAddress"]
_CALLED = [f"{PD}Name", f"{PD}TelephoneNumber"]

# Legitimate interest only where its assessment comes with it; the officer may add it to others.
PURPOSES = [
    Purpose(
        code="reply_to_request",
        number=1,
        iri=f"{DPV}RequestedServiceProvision",
        title_fr="Répondre à votre demande",
        title_en="Answer your request",
        description_fr="Lire votre message et vous répondre.",
        description_en="Read your message and answer you.",
        bases=[Basis.PRE_CONTRACT.value],
        data_categories=[*_WRITTEN_TO, f"{PD}TelephoneNumber"],
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
        bases=[_CONSENT],
        data_categories=_WRITTEN_TO,
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
        more_iris=[f"{DPV}Personalisation"],
        bases=[_CONSENT, _INTEREST],
        data_categories=_WRITTEN_TO,
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
        bases=[_CONSENT, _INTEREST],
        data_categories=_CALLED,
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
        bases=[Basis.CONTRACT.value],
        data_categories=_WRITTEN_TO,
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
        bases=[_CONSENT],  # CNIL deliberation 2026-042: no other basis, for professionals neither
        data_categories=[f"{PD}EmailAddress"],
        channels=_EMAIL,
        is_marketing=True,
        retention_days=PROSPECT_DAYS,
        position=6,
    ),
]

DOES_NOT_PREVAIL = "does_not_prevail"
FIRST_REVIEW = timedelta(days=90)
_ASSESSED = ("targeted_promotion", "phone_prospecting")


def seed_purposes(*, now: datetime) -> None:
    """Write the purposes and first assessments that are missing; existing ones are left alone."""
    Purpose.objects.bulk_create(
        [_as_published(purpose, now) for purpose in PURPOSES], ignore_conflicts=True
    )
    for purpose in PURPOSES:  # rows that are older than these columns
        Purpose.objects.filter(code=purpose.code, bases=[], data_categories=[]).update(
            bases=purpose.bases,
            data_categories=purpose.data_categories,
            more_iris=purpose.more_iris,
        )
    told = set(PurposeVersion.objects.values_list("purpose_id", "version"))
    for purpose in Purpose.objects.filter(published_at__isnull=False):
        if (purpose.code, purpose.version) not in told:
            keep_version(purpose=purpose, actor_id=None, now=now)
    for code in _ASSESSED:
        if not BalancingAssessment.objects.filter(purpose_id=code).exists():
            _first_assessment(code, now)


def _as_published(purpose: Purpose, now: datetime) -> Purpose:
    fresh = copy(purpose)
    fresh.published_at = now
    return fresh


_TOLD = (
    "code",
    "iri",
    "more_iris",
    "data_categories",
    "bases",
    "channels",
    "is_marketing",
    "retention_days",
    *(f"{name}_{language}" for name in ("title", "description", "recipients")
      for language in ("fr", "en")),
)  # fmt: skip


def told(purpose: Purpose) -> dict[str, Any]:
    """Return what a purpose says, as its versions keep it."""
    return {name: getattr(purpose, name) for name in _TOLD}


def keep_version(*, purpose: Purpose, actor_id: UUID | None, now: datetime) -> PurposeVersion:
    """Keep what a purpose says at this moment, word for word: records name it for ever."""
    document = told(purpose)
    if purpose.retired_at is not None:
        document["retired_at"] = purpose.retired_at.isoformat()
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return PurposeVersion.objects.create(
        id=uuid_utils.compat.uuid7(),
        purpose=purpose,
        version=purpose.version,
        document=document,
        sha256=hashlib.sha256(canonical.encode()).digest(),
        published_at=now,
        published_by=actor_id,
    )


def _first_assessment(code: str, now: datetime) -> None:
    BalancingAssessment.objects.create(
        id=uuid_utils.compat.uuid7(),
        purpose_id=code,
        version=1,
        interest="Faire connaître nos produits aux professionnels dont ils concernent le travail.",
        expectations="Qui laisse une adresse professionnelle à un fournisseur s’attend à le lire.",
        safeguards="Une case pour dire non sur le formulaire, un refus dans chaque message.",
        necessity="Ces personnes ne nous cherchent pas d’elles-mêmes ; peu de messages partent.",
        balance="Des données professionnelles données par la personne ; un refus d’un seul geste.",
        b2b_relevance="Ce qui est proposé touche au métier de la personne (CNIL, prospection B2B).",
        conclusion="L’intérêt prévaut tant que chaque message offre un refus et qu’il est suivi.",
        # The company has not read it yet: its officer is asked to within three months.
        review_on=(now + FIRST_REVIEW).date(),
        approved_at=now,
    )


def current_assessment(*, purpose_code: str) -> UUID | None:
    """Return the newest balancing assessment of a purpose; None if it has none, or if that one
    concluded that the interest does not prevail: it is no basis then."""
    newest = BalancingAssessment.objects.filter(purpose_id=purpose_code).order_by("-version")
    found = newest.values_list("id", "outcome").first()
    return found[0] if found and found[1] != DOES_NOT_PREVAIL else None


def text_of(purpose: Purpose, language: str) -> PurposeText:
    is_french = language == "fr"
    return PurposeText(
        purpose.code,
        purpose.number,
        purpose.title_fr if is_french else purpose.title_en,
        purpose.description_fr if is_french else purpose.description_en,
        purpose.is_marketing,
        tuple(purpose.channels),
        tuple(purpose.bases),
        purpose.recipients_fr if is_french else purpose.recipients_en,
        purpose.retention_days,
        purpose.retired_at is not None,
    )


def purposes(*, language: str, with_retired: bool = False) -> list[PurposeText]:
    """Return the purposes that may be chosen, in `language` (fr, else en), in the order of pages.

    With retired ones for pages that show what was; one that was never published is never among
    them.
    """
    rows = Purpose.objects.filter(published_at__isnull=False).order_by("position", "code")
    if not with_retired:
        rows = rows.filter(retired_at__isnull=True)
    return [text_of(row, language) for row in rows]
