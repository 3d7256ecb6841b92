"""The page of one lead, and what staff do on it: notes, reminders, whom it is given to."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from crm import leads, reminders
from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.lead_notes import NOTE_MAX, NoteEmpty, write_note
from crm.lead_slots import lead_actions
from crm.leads import FOLLOWERS, LeadUnknown, NotAFollower
from crm.models import Account, Lead
from crm.pages import READERS, WRITERS
from crm.pages.labels import REMIND_IN
from crm.pages.lead_view import lead_view
from crm.pages.leads import lead_lines


class NoteForm(forms.Form):
    text = FreeTextField(
        label=gettext_lazy("Note"),
        max_length=NOTE_MAX,
        help_text=gettext_lazy("Kept encrypted. The person can ask to read it."),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3}),
        error_messages={"required": gettext_lazy("Write the note first.")},
    )


class ReminderForm(forms.Form):
    """In so many days, or on a day that is written."""

    when = forms.ChoiceField(
        label=gettext_lazy("Remind me"),
        choices=list(REMIND_IN.items()),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    day = forms.DateField(
        label=gettext_lazy("Or on this day"),
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}),
    )

    def due_at(self, now: datetime) -> datetime:
        """The morning of the day that was meant."""
        day = self.cleaned_data["day"]
        if day is None:
            day = timezone.localdate(now) + timedelta(days=int(self.cleaned_data["when"]))
        return datetime.combine(day, time(9), tzinfo=timezone.get_current_timezone())


@require_safe
@staff_page(*READERS)
def lead(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    return _page(request, lead_id, NoteForm(), ReminderForm())


def _page(
    request: HttpRequest, lead_id: UUID, note: NoteForm, remind: ReminderForm, status: int = 200
) -> HttpResponse:
    row = get_object_or_404(Lead.objects.select_related("assigned_to", "contact"), id=lead_id)
    account = account_of(request)
    actions = lead_actions(role=account.role)
    context: dict[str, Any] = {
        **lead_view(row),
        "may_write": account.role in WRITERS,
        "actions": [(one, one.url(lead_id)) for one in actions],
        "note_form": note,
        "reminder_form": remind,
        "followers": _followers(),
        "now": timezone.now(),
    }
    return render(request, "crm/leads/lead.html", context, status=status)


def _followers() -> QuerySet[Account]:
    return Account.objects.filter(role__in=FOLLOWERS, is_active=True).order_by("username")


@require_POST
@staff_page(*WRITERS)
def lead_note(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    form = NoteForm(request.POST)
    get_object_or_404(Lead.objects.only("id"), id=lead_id)
    if not form.is_valid():
        return _page(request, lead_id, form, ReminderForm(), 422)
    try:
        write_note(
            lead_id=lead_id,
            text=form.cleaned_data["text"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except LeadUnknown:
        raise Http404 from None
    except NoteEmpty:
        messages.warning(request, _("Write the note first."))
    else:
        messages.success(request, _("The note is kept."))
    return redirect("lead", lead_id)


@require_POST
@staff_page(*WRITERS)
def lead_remind(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Set the reminder of a lead, or put it off; it is its follower's, else the writer's own."""
    form = ReminderForm(request.POST)
    row = get_object_or_404(Lead.objects.only("id", "assigned_to"), id=lead_id)
    if not form.is_valid():
        return _page(request, lead_id, NoteForm(), form, 422)
    mine, now = account_of(request).id, timezone.now()
    try:
        reminders.remind(
            lead_id=lead_id,
            account_id=row.assigned_to_id or mine,
            due_at=form.due_at(now),
            actor_id=mine,
            now=now,
        )
    except LeadUnknown:
        raise Http404 from None
    except reminders.NotInTheFuture:
        form.add_error("day", _("Choose a day that is still to come."))
        return _page(request, lead_id, NoteForm(), form, 422)
    messages.success(request, _("The reminder is set."))
    return redirect("lead", lead_id)


@require_POST
@staff_page(*WRITERS)
def lead_reminded(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """What the reminder was for is done."""
    get_object_or_404(Lead.objects.only("id"), id=lead_id)
    reminders.finish_reminder(lead_id=lead_id, now=timezone.now())
    messages.success(request, _("The reminder is done."))
    if request.POST.get("from") == "list":
        return redirect("reminder-list")
    return redirect("lead", lead_id)


@require_POST
@staff_page(*WRITERS)
def lead_give(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Give a lead to a colleague, who is told by the bell."""
    try:
        to = UUID(request.POST["to"]) if request.POST.get("to") else None
        leads.assign_lead(
            lead_id=lead_id,
            account_id=to,
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except LeadUnknown:
        raise Http404 from None
    except (ValueError, NotAFollower):
        raise BadRequest from None
    return redirect("lead", lead_id)


@require_safe
@staff_page(*WRITERS)
def reminder_list(request: HttpRequest) -> HttpResponse:
    """What this account should come back to by now."""
    now = timezone.now()
    due = reminders.due_reminders(account_id=account_of(request).id, now=now, limit=50)
    lines = lead_lines([one.lead for one in due], now=now)
    return render(request, "crm/leads/reminders.html", {"lines": lines})
