"""One record of a contact's consent history, and what is permitted, for machines."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from consent.services import RecordUnknown, explain, purposes, shown_record
from crm.access import staff_page
from crm.models import Contact
from crm.pages import READERS, labels
from crm.pages.labels import words
from crm.people import profiles


def proof_url(contact_id: UUID, purpose_code: str, channel: str) -> str:
    """The address of the proof pack, empty where that page is not installed."""
    try:
        return reverse("contact-proof", args=[contact_id, purpose_code, channel])
    except NoReverseMatch:
        return ""


@require_safe
@staff_page(*READERS)
def contact_record(request: HttpRequest, contact_id: UUID, record_id: UUID) -> HttpResponse:
    """Show what the person was shown, what they answered, when, and how it is protected."""
    contact = get_object_or_404(Contact, id=contact_id)
    try:
        shown = shown_record(subject_id=contact.id, record_id=record_id)
    except RecordUnknown:
        raise Http404 from None
    event, is_french = shown.event, get_language() == "fr"
    context = {
        "contact": contact,
        "profile": profiles(contact_ids=[contact.id]).get(contact.id),
        "shown": shown,
        "purpose": event.purpose.title_fr if is_french else event.purpose.title_en,
        "channel": words(labels.CHANNELS, event.channel),
        "state": words(labels.LEDGER_STATES, event.event_state),
        "basis": words(labels.BASES, event.basis),
        "method": words(labels.METHODS, event.method),
        "proof_url": proof_url(contact.id, event.purpose_id, event.channel),
    }
    return render(request, "crm/contacts/record.html", context)


@require_safe
@staff_page(*READERS)
def contact_permissions(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Answer as JSON what the contact's page says: one line per purpose and channel."""
    contact = get_object_or_404(Contact.objects.only("id"), id=contact_id)
    lines = []
    for purpose in purposes(language=get_language() or "fr"):
        for channel in purpose.channels:
            answer = explain(subject_id=contact.id, purpose_code=purpose.code, channel=channel)
            lines.append(
                {
                    "purpose": purpose.code,
                    "channel": channel,
                    "permitted": answer.is_permitted,
                    "reason_code": answer.reason_code,
                    "sentence": str(answer.sentence),
                    "since": answer.since and answer.since.isoformat(),
                    "record_id": answer.event_id and str(answer.event_id),
                    "proof_url": proof_url(contact.id, purpose.code, channel)
                    if answer.event_id
                    else "",
                }
            )
    return JsonResponse({"contact_id": str(contact.id), "permissions": lines})
