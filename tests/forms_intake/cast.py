"""The form of these tests, and Alice who fills it in."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.services import Basis, publish_notice, seed_purposes
from forms_intake.models import FormVersion, PublishedForm
from forms_intake.services import (
    FormDraft,
    PurposeChoice,
    create_form,
    project_forms,
    publish_version,
    save_version,
)
from tests.conftest import NOW

CODE = "contact"
ALICE = "alice@example.org"
TEXTS = {
    "fr": {
        "title": "Écrivez-nous",
        "intro": "Nous répondons sous deux jours.",
        "submit": "Envoyer",
        "thanks": "Merci, votre message est bien arrivé.",
    },
    "en": {
        "title": "Write to us",
        "intro": "We answer within two days.",
        "submit": "Send",
        "thanks": "Thank you, your message has arrived.",
    },
}
NOTICE = {"fr": "Vos données servent à vous répondre.", "en": "Your data serves to answer you."}
REPLY = PurposeChoice("reply_to_request", "email", Basis.PRE_CONTRACT)
NEWSLETTER = PurposeChoice(
    "newsletter",
    "email",
    Basis.CONSENT,
    {"fr": "Je veux recevoir la lettre.", "en": "Send me the newsletter."},
)
OFFERS = PurposeChoice(
    "targeted_promotion",
    "email",
    Basis.LEGITIMATE_INTEREST,
    {"fr": "Pas d'offres, merci.", "en": "No offers, please."},
)
DRAFT = FormDraft(
    texts=TEXTS,
    fields=[
        {"name": "email", "is_required": True},
        {"name": "given_name", "is_required": False},
        {"name": "family_name", "is_required": True},
        {"name": "phone", "is_required": False},
        {"name": "company", "is_required": False},
        {"name": "country", "is_required": False},
        {"name": "message", "is_required": False},
    ],
    notice_code="site",
    notice_version=1,
    purposes=[REPLY, NEWSLETTER, OFFERS],
    allowed_origins=["https://www.example.org"],
)


def seed(*, now: datetime = NOW) -> None:
    seed_purposes(now=now)
    publish_notice(code="site", texts=NOTICE, is_substantive=True, now=now)


def draft(**changes: Any) -> FormDraft:
    return replace(DRAFT, **changes)


def published(*, code: str = CODE, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Publish a form and return the document of the public side."""
    seed(now=now)
    version_id = create_form(code=code, name="Contact", draft=draft(**changes), now=now)
    publish_version(version_id=version_id, now=now)
    return projected(code=code, now=now)


def next_version(*, code: str = CODE, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    version_id = save_version(code=code, draft=draft(**changes), now=now)
    publish_version(version_id=version_id, now=now)
    return projected(code=code, now=now)


def projected(*, code: str = CODE, now: datetime = NOW) -> dict[str, Any]:
    project_forms(now=now)
    document: dict[str, Any] = PublishedForm.objects.get(code=code).document
    return document


def version(version_id: UUID) -> FormVersion:
    return FormVersion.objects.get(id=version_id)


def body(document: dict[str, Any], *, language: str = "en", **changes: Any) -> dict[str, Any]:
    """What a developer posts to the API for this form."""
    shown = document["notices"][language]
    return {
        "language": language,
        "form_version": document["version"],
        "notice": {part: shown[part] for part in ("id", "version", "language", "sha256")},
        "fields": {"email": ALICE, "family_name": "Martin"},
        "consents": [],
        "objections": [],
        **changes,
    }
