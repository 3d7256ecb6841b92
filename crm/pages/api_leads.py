"""Leads for machines: docs/staff-api.md. Reading changes nothing; the role decides on fields."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.access import account_of, api_page
from crm.lead_inbox import Wanted, inbox
from crm.models import Lead
from crm.pages import READERS
from crm.people import profile_of
from privacy.services import RetentionClass, read_documents

_PERSON = ("email", "given_name", "family_name", "phone", "company", "job_title")


def _facts(lead: Lead) -> dict[str, Any]:
    return {
        "id": str(lead.id),
        "contact_id": str(lead.contact_id),
        "form": lead.form_code,
        "received_at": lead.received_at.isoformat(),
        "state": lead.state,
        "assigned_to": lead.assigned_to.username if lead.assigned_to else None,
        "score": lead.score,
    }


@require_safe
@api_page("leads:read", *READERS)
def leads(request: HttpRequest) -> HttpResponse:
    """Answer with a page of leads, narrowed as the inbox is; nothing of the people themselves."""
    wanted = Wanted.read({"state": "all", **request.GET.dict()})
    page = inbox(
        wanted=wanted,
        account_id=account_of(request).id,
        after=request.GET.get("after", ""),
        now=timezone.now(),
    )
    return JsonResponse(
        {"leads": [_facts(lead) for lead in page.rows], "after": page.following or None}
    )


@require_safe
@api_page("leads:read", *READERS)
def lead(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Answer with one lead, who wrote it and what; the reading is journaled."""
    row = get_object_or_404(Lead.objects.select_related("assigned_to"), id=lead_id)
    found = read_documents(subject_ids=[row.contact_id], retention_class=RetentionClass.PROFILE)
    document = found.get(row.contact_id)
    person, message = None, None
    if document is not None:
        profile = profile_of(row.contact_id, document)
        person = {name: value for name in _PERSON if (value := getattr(profile, name))}
        said = {one["lead"]: one["text"] for one in document.get("messages", [])}
        message = said.get(str(row.id))
    return JsonResponse({**_facts(row), "person": person, "message": message})
