"""What a contact may be reached for and why, for machines: docs/staff-api.md.

Behind the same networks and roles as the pages, by a session or a token. Reading changes nothing.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from consent.services import explain, purposes, records_of
from crm.access import api_page
from crm.models import Contact
from crm.pages import PROVERS, READERS
from crm.pages.record import proof_url


@require_safe
@api_page("permissions:read", *READERS)
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


@require_safe
@api_page("records:read", *PROVERS, answer="application/ld+json")
def contact_records(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Answer with every record of the person as JSON-LD (ISO/IEC TS 27560 through DPV)."""
    contact = get_object_or_404(Contact.objects.only("id"), id=contact_id)
    return JsonResponse(
        records_of(subject_id=contact.id),
        content_type="application/ld+json",
        json_dumps_params={"ensure_ascii": False},
    )
