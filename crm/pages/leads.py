"""The list of leads: who wrote, who answers, how far it is."""

from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm import leads
from crm.access import account_of, staff_page
from crm.keyset import Page, page_after, read_cursor
from crm.leads import LeadStateUnknown, LeadUnknown
from crm.models import Lead
from crm.pages import READERS, WRITERS
from crm.pages.labels import LEAD_COLOURS, LEAD_STATES, words
from crm.people import profile_of
from crm.segments.choices import names_of
from privacy.services import RetentionClass, read_documents

ALL, EXCERPT = "all", 160


@require_safe
@staff_page(*READERS)
def lead_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "new")
    state = state if state in LEAD_STATES else ALL
    is_mine = request.GET.get("mine") == "1"
    rows = Lead.objects.select_related("assigned_to")
    rows = rows if state == ALL else rows.filter(state=state)
    rows = rows.filter(assigned_to=account_of(request)) if is_mine else rows
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(rows, moment="received_at", cursor=cursor)
    narrowed = {"state": state, **({"mine": "1"} if is_mine else {})}
    here = f"{reverse('lead-list')}?{urlencode(narrowed)}"
    context = {
        "state": state,
        "is_mine": is_mine,
        "tabs": [*LEAD_STATES.items()],
        "lines": lead_lines(page),
        "states": LEAD_STATES.items(),
        "may_write": account_of(request).role in WRITERS,
        "has_more": page.following is not None,
        "next_url": f"{here}&{urlencode({'after': str(page.following)})}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/leads/list.html", context)


def lead_lines(page: Page[Lead]) -> list[dict[str, object]]:
    """Return what a page of leads shows: two queries for all of its identities and messages."""
    people = list({lead.contact_id for lead in page.rows})
    found = read_documents(subject_ids=people, retention_class=RetentionClass.PROFILE)
    forms = names_of("form")
    lines: list[dict[str, object]] = []
    for lead in page.rows:
        document = found.get(lead.contact_id)
        said = {one["lead"]: one["text"] for one in (document or {}).get("messages", [])}
        lines.append(
            {
                "lead": lead,
                "profile": profile_of(lead.contact_id, document) if document else None,
                "message": str(said.get(str(lead.id), ""))[:EXCERPT],
                "form": forms.get(lead.form_code, lead.form_code),
                "state": words(LEAD_STATES, lead.state),
                "colour": LEAD_COLOURS.get(lead.state, "secondary"),
            }
        )
    return lines


@require_POST
@staff_page(*WRITERS)
def lead_state(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    try:
        leads.change_lead_state(
            lead_id=lead_id,
            state=request.POST.get("state", ""),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except LeadUnknown:
        raise Http404 from None
    except LeadStateUnknown:
        raise BadRequest from None
    return _answer(request, lead_id)


@require_POST
@staff_page(*WRITERS)
def lead_assign(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Take a lead, or give it back."""
    mine = account_of(request).id
    try:
        leads.assign_lead(
            lead_id=lead_id,
            account_id=None if request.POST.get("to") == "nobody" else mine,
            actor_id=mine,
            now=timezone.now(),
        )
    except LeadUnknown:
        raise Http404 from None
    return _answer(request, lead_id)


def _answer(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Answer htmx with the lead's row alone, a browser with the list it came from."""
    if request.headers.get("HX-Request") != "true":
        state = request.POST.get("list", "")
        return redirect(f"{reverse('lead-list')}?{urlencode({'state': state or ALL})}")
    rows = list(Lead.objects.select_related("assigned_to").filter(id=lead_id))
    context = {
        "line": lead_lines(Page(rows, None))[0],
        "states": LEAD_STATES.items(),
        "may_write": True,
    }
    return render(request, "crm/leads/_row.html", context)
