"""Customer service at work: a ticket, the address of one person, their five fields."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.keyset import page_after, read_cursor
from crm.models import Account, Role, SupportTicket
from crm.pages.contact_forms import AddressForm
from crm.pages.readings import reading_lines
from crm.support import tickets
from crm.support.tickets import (
    AboutSomebody,
    NobodyThere,
    NotAReference,
    TicketClosed,
    TicketUnknown,
    TooManyMisses,
    TooManySearches,
)
from privacy.services import readings_for

SUPPORT = ("support",)
# The data protection officer sees every ticket and who read what under it, not the person there.
TICKETS_READERS = (*SUPPORT, "dpo")


class TicketForm(forms.Form):
    reference = FreeTextField(
        label=gettext_lazy("Number of the help desk"),
        help_text=gettext_lazy("For example SUP-4711. Never a name, an address or a telephone."),
        max_length=20,
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "autofocus": True}
        ),
        error_messages={"required": gettext_lazy("Write the number of the ticket.")},
    )


@require_safe
@staff_page(*TICKETS_READERS)
def ticket_list(request: HttpRequest) -> HttpResponse:
    mine, here, now = account_of(request), reverse("ticket-list"), timezone.now()
    cursor = read_cursor(request.GET.get("after", ""))
    rows = tickets.tickets_of(account_id=mine.id if mine.role == Role.SUPPORT else None)
    page = page_after(rows, moment="opened_at", cursor=cursor)
    holders = {row.opened_by for row in page.rows}
    names = dict(Account.objects.filter(id__in=holders).values_list("id", "username"))
    context = {
        "lines": [
            {"ticket": row, "is_open": tickets.is_open(row, now=now), "by": names[row.opened_by]}
            for row in page.rows
        ],
        "may_open": mine.role == Role.SUPPORT,
        "has_more": page.following is not None,
        "next_url": f"{here}?after={page.following}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/tickets/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*SUPPORT)
def ticket_new(request: HttpRequest) -> HttpResponse:
    form = TicketForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            number = tickets.open_ticket(
                reference=form.cleaned_data["reference"],
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
        except NotAReference:
            text = _("Write it as the help desk does: at most eight letters, a dash, eight digits.")
            form.add_error("reference", text)
        else:
            return redirect("ticket", number)
    status = 422 if form.errors else 200
    return render(request, "crm/tickets/new.html", {"form": form}, status=status)


@require_safe
@staff_page(*TICKETS_READERS)
def ticket(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    if account_of(request).role == Role.DPO:
        return _for_the_officer(request, ticket_id)
    return _for_its_holder(request, ticket_id, AddressForm())


def _for_the_officer(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The ticket and who read what under it; the person is on the contact's own page."""
    shown, here = _required(ticket_id), reverse("ticket", args=[ticket_id])
    holder = Account.objects.filter(id=shown.opened_by).values_list("username", flat=True).first()
    context = {
        "ticket": shown,
        "is_open": tickets.is_open(shown, now=timezone.now()),
        "holder": holder or "",
        "misses": tickets.misses_under(shown),
        "misses_today": tickets.misses_of(account_id=shown.opened_by, now=timezone.now()),
        "misses_most": tickets.MISSES_MOST,
        **reading_lines(request, readings_for(reference=str(ticket_id)), here),
    }
    return render(request, "crm/tickets/readings.html", context)


def _required(ticket_id: UUID) -> SupportTicket:
    found = SupportTicket.objects.filter(id=ticket_id).first()
    if found is None:
        raise Http404
    return found


def _for_its_holder(request: HttpRequest, ticket_id: UUID, form: AddressForm) -> HttpResponse:
    shown, profile = _required(ticket_id), None
    try:
        profile = tickets.person_of(
            ticket_id=ticket_id, actor_id=account_of(request).id, now=timezone.now()
        )
        shows_person = True
    except TicketUnknown:
        raise Http404 from None
    except TicketClosed:
        shows_person = False
    context: dict[str, Any] = {
        "ticket": shown,
        "form": form,
        "profile": profile,
        "is_open": shows_person,
        "left": tickets.SEARCHES_MOST - shown.searches,
    }
    status = 422 if form.errors else 200
    return render(request, "crm/tickets/ticket.html", context, status=status)


@sensitive_post_parameters()
@require_POST
@staff_page(*SUPPORT)
def ticket_find(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """Bind the ticket to the contact of exactly this address; it is posted, never in an URL."""
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _for_its_holder(request, ticket_id, form)
    try:
        tickets.find_person(
            ticket_id=ticket_id,
            email=form.cleaned_data["email"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except TicketUnknown:
        raise Http404 from None
    except NobodyThere:
        form.add_error("email", _("No contact has this address."))
        return _for_its_holder(request, ticket_id, form)
    except TooManySearches:
        form.add_error("email", _("Too many addresses were tried. Close this ticket."))
        return _for_its_holder(request, ticket_id, form)
    except TooManyMisses:
        text = _("Too many addresses that nobody has were tried today. Go on tomorrow.")
        form.add_error("email", text)
        return _for_its_holder(request, ticket_id, form)
    except (TicketClosed, AboutSomebody):
        messages.error(request, _("This ticket takes no other address."))
    return redirect("ticket", ticket_id)


@require_POST
@staff_page(*SUPPORT)
def ticket_close(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    try:
        tickets.close_ticket(
            ticket_id=ticket_id, actor_id=account_of(request).id, now=timezone.now()
        )
    except TicketUnknown:
        raise Http404 from None
    messages.success(request, _("The ticket is closed. The person is not shown any more."))
    return redirect("ticket-list")
