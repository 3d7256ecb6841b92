"""One record of a contact's consent history."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from consent.services import RecordUnknown, shown_record
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
