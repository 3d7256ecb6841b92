"""The inbox of leads: who wrote, who answers, how far it is, what is overdue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm import leads
from crm.access import account_of, staff_page
from crm.lead_inbox import BY_SCORE, InboxPage, Wanted, inbox
from crm.leads import LeadStateUnknown, LeadUnknown
from crm.models import ContactScore, Lead, LeadReminder
from crm.pages import READERS, WRITERS
from crm.pages.labels import LEAD_COLOURS, LEAD_STATES, words
from crm.people import profile_of
from crm.segments.choices import choices_of, names_of
from privacy.services import RetentionClass, read_documents

EXCERPT = 160
UNDO = "lead_undo"


@require_safe
@staff_page(*READERS)
def lead_list(request: HttpRequest) -> HttpResponse:
    wanted, now = Wanted.read(request.GET), timezone.now()
    account = account_of(request)
    page = inbox(wanted=wanted, account_id=account.id, after=request.GET.get("after", ""), now=now)
    context = {
        "wanted": wanted,
        "lines": lead_lines(page.rows, now=now),
        "states": LEAD_STATES.items(),
        "forms": choices_of("form") or [],
        "may_write": account.role in WRITERS,
        "undo": request.session.get(UNDO),
        **_links(wanted, page),
    }
    return render(request, "crm/leads/list.html", context)


def _links(wanted: Wanted, page: InboxPage) -> dict[str, object]:
    """The addresses beside the list: the same narrowing, with one thing changed."""
    here = reverse("lead-list")
    return {
        "tabs": [
            (code, label, f"{here}?{wanted.query(state=code)}")
            for code, label in [*LEAD_STATES.items(), ("all", "")]
        ],
        "has_more": bool(page.following),
        "next_url": f"{here}?{wanted.query(after=page.following)}",
        "first_url": "" if page.is_first else f"{here}?{wanted.query()}",
        "here": wanted.query(),
        "is_by_score": wanted.order == BY_SCORE,
    }


def lead_lines(rows: Sequence[Lead], *, now: datetime) -> list[dict[str, object]]:
    """Return what a page of leads shows: a fixed number of queries, whatever its length."""
    people = list({lead.contact_id for lead in rows})
    found = read_documents(subject_ids=people, retention_class=RetentionClass.PROFILE)
    forms = names_of("form")
    due = _due(rows)
    scores = dict(
        ContactScore.objects.filter(contact__in=people).values_list("contact_id", "points")
    )
    lines: list[dict[str, object]] = []
    for lead in rows:
        document = found.get(lead.contact_id)
        said = {one["lead"]: one["text"] for one in (document or {}).get("messages", [])}
        due_at = due.get(lead.id)
        lines.append(
            {
                "lead": lead,
                "profile": profile_of(lead.contact_id, document) if document else None,
                "message": str(said.get(str(lead.id), ""))[:EXCERPT],
                "form": forms.get(lead.form_code, lead.form_code),
                "state": words(LEAD_STATES, lead.state),
                "colour": LEAD_COLOURS.get(lead.state, "secondary"),
                "due_at": due_at,
                "is_overdue": due_at is not None and due_at <= now,
                "score": scores.get(lead.contact_id),
            }
        )
    return lines


def _due(rows: Sequence[Lead]) -> dict[UUID, datetime]:
    reminders = LeadReminder.objects.filter(lead__in=[lead.id for lead in rows], done_at=None)
    return dict(reminders.values_list("lead_id", "due_at"))


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


def back_to_list(request: HttpRequest) -> HttpResponse:
    """Lead to the list as it was narrowed; what the form says of it is read anew, not believed."""
    given = dict(pair.partition("=")[::2] for pair in request.POST.get("list", "").split("&"))
    if request.POST.get("list", "") in LEAD_STATES:
        given = {"state": request.POST["list"]}
    return redirect(f"{reverse('lead-list')}?{Wanted.read({'state': 'all', **given}).query()}")


def _answer(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Answer htmx with the lead's row alone, a browser with the page it came from."""
    if request.headers.get("HX-Request") != "true":
        if request.POST.get("from") == "lead":
            return redirect("lead", lead_id)
        return back_to_list(request)
    rows = list(Lead.objects.select_related("assigned_to").filter(id=lead_id))
    context = {
        "line": lead_lines(rows, now=timezone.now())[0],
        "states": LEAD_STATES.items(),
        "may_write": True,
        "here": request.POST.get("list", ""),
    }
    return render(request, "crm/leads/_row.html", context)
