"""What was posted becomes a lead, a contact and a record of what the person agreed to."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from consent.models import LedgerEvent, State
from consent.services import Basis, permits
from crm.models import Contact, Lead
from crm.services import profiles
from forms_intake.models import Submission
from forms_intake.services import promote_waiting, retire_form, save_version
from forms_intake.submissions import Incoming, validate
from privacy.models import Envelope
from privacy.services import drop_envelope
from tests.conftest import NOW
from tests.forms_intake import cast
from tests.forms_intake.cast import ALICE, CODE

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
EVIDENCE = {"network": "192.0.2.0/24", "user_agent": "Firefox"}
LATER = NOW + timedelta(minutes=5)


def sealed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    posted = cast.body(document, **changes)
    incoming = Incoming(**posted, via="page", evidence=EVIDENCE)
    return validate(document=document, incoming=incoming)


def drop(content: dict[str, Any], *, number: UUID | None = None, context: str = CODE) -> UUID:
    number = number or uuid4()
    drop_envelope(kind="submission", context=context, envelope_id=number, document=content, now=NOW)
    return number


def test_a_submission_becomes_a_lead_and_a_contact() -> None:
    content = sealed(
        cast.published(),
        fields={
            "email": " Alice@Example.ORG ",
            "given_name": "Alice",
            "family_name": "Martin",
            "phone": "01 23 45 67 89",
            "company": "Société Générale d'Essai",
            "country": "fr",
            "message": "Bonjour,\r\nrappelez-moi.",
        },
    )
    number = drop(content)
    assert promote_waiting(now=LATER).handled == 1
    submission = Submission.objects.get()
    assert (submission.id, submission.received_at, submission.promoted_at) == (number, NOW, LATER)
    assert Lead.objects.get().id == number
    contact = Contact.objects.get()
    assert (contact.id, contact.language, contact.country) == (submission.contact_id, "en", "FR")
    profile = profiles(contact_ids=[contact.id])[contact.id]
    assert (profile.email, profile.phone) == (ALICE, "+33123456789")
    assert profile.display_name == "Alice Martin"


def test_the_ledger_says_what_was_shown_and_answered() -> None:
    drop(sealed(cast.published(), consents=["newsletter:email"]))
    promote_waiting(now=LATER)
    rows = LedgerEvent.objects.order_by("seq")
    assert [(row.purpose_id, row.event_state) for row in rows] == [
        ("reply_to_request", State.NOTICE_SHOWN),
        ("newsletter", State.NOTICE_SHOWN),
        ("newsletter", State.CONSENT_REQUESTED),
        ("targeted_promotion", State.NOTICE_SHOWN),
        ("targeted_promotion", State.INTEREST_INFORMED),
        ("targeted_promotion", State.INTEREST_NOT_OBJECTED),
    ]
    interest = rows[5]
    assert interest.basis == Basis.LEGITIMATE_INTEREST
    assert interest.assessment_id is not None
    assert (interest.form_code, interest.form_version, interest.event_at) == (CODE, 1, NOW)
    assert interest.notice is not None
    assert (interest.notice.language, interest.notice.text) == ("en", cast.NOTICE["en"])


def _may(purpose: str) -> bool:
    contact = Contact.objects.get()
    return contact.id in permits(subject_ids=[contact.id], purpose_code=purpose, channel="email")


def test_without_confirmation_a_ticked_box_permits_at_once() -> None:
    drop(sealed(cast.published(has_double_opt_in=False), consents=["newsletter:email"]))
    promote_waiting(now=LATER)
    assert _may("newsletter")
    assert _may("targeted_promotion")


def test_a_ticked_objection_is_kept() -> None:
    drop(sealed(cast.published(), objections=["targeted_promotion:email"]))
    promote_waiting(now=LATER)
    assert not _may("targeted_promotion")
    assert LedgerEvent.objects.filter(event_state=State.INTEREST_OBJECTED).exists()


def test_a_submission_that_comes_twice_is_taken_once() -> None:
    content = sealed(cast.published(), consents=["newsletter:email"])
    number = drop(content)
    promote_waiting(now=LATER)
    events = LedgerEvent.objects.count()
    drop(content, number=number)
    assert promote_waiting(now=LATER).handled == 1
    assert (Submission.objects.count(), Lead.objects.count()) == (1, 1)
    assert LedgerEvent.objects.count() == events
    assert not Envelope.objects.exists()


def test_one_address_is_one_contact_with_two_leads() -> None:
    document = cast.published()
    drop(sealed(document))
    drop(sealed(document, fields={"email": "ALICE@example.org", "family_name": "Durand"}))
    assert promote_waiting(now=LATER).handled == 2
    assert (Contact.objects.count(), Lead.objects.count()) == (1, 2)


def test_what_was_posted_to_a_version_since_retired_still_arrives() -> None:
    content = sealed(cast.published())
    drop(content)
    cast.next_version()
    retire_form(code=CODE, now=LATER)
    assert promote_waiting(now=LATER).handled == 1
    assert Submission.objects.get().form_version.number == 1


FORGED: dict[str, dict[str, Any]] = {
    "form_mismatch": {"form": "another"},
    "version_unknown": {"form_version": 9},
    "notice_stale": {"notice": {"id": str(uuid4()), "version": 1, "language": "en", "sha256": ""}},
    "invalid_content": {"fields": {"email": "not an address", "family_name": "x"}},
}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        *FORGED.items(),
        ("form_mismatch", {"form_version": "1"}),
        ("invalid_content", {"fields": []}),
        ("invalid_content", {"schema": 99}),
        ("invalid_content", {"consents": ["targeted_promotion:email"]}),
        ("invalid_content", {"fields": {"email": ALICE, "family_name": "a", "iban": "FR76"}}),
        ("notice_stale", {"language": "de"}),
    ],
)
def test_what_the_page_would_have_refused_is_put_aside(code: str, changes: dict[str, Any]) -> None:
    """The sealing key is public: the worker believes an envelope no more than the page does."""
    drop({**sealed(cast.published()), **changes})
    good = drop(sealed(cast.projected()))
    drained = promote_waiting(now=LATER)
    assert (drained.handled, drained.quarantined) == (1, 1)
    assert Envelope.objects.get().failure == code
    assert Submission.objects.get().id == good


def test_a_draft_receives_nothing() -> None:
    content = sealed(cast.published())
    content["form_version"] = 2
    save_version(code=CODE, draft=cast.draft(), now=NOW)
    drop(content)
    promote_waiting(now=LATER)
    assert Envelope.objects.get().failure == "version_unknown"
