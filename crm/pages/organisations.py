"""Organisations: find one, see and change what is known of it, and who belongs to it.

Account and card numbers are masked everywhere but on one answer, which asks for the second factor
and a reason, and leaves a record. To write them asks for the second factor too, and leaves one.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import organisations
from crm.access import account_of, staff_page
from crm.keyset import page_after, read_cursor
from crm.models import Account, Contact, NumberChange, NumberShown, Organisation
from crm.organisation_numbers import grouped, masked_card, masked_iban
from crm.organisations import (
    CHANGES,
    REASONS,
    ContactNotFound,
    Details,
    OrganisationUnknown,
    TooManyNumbers,
    details_of,
)
from crm.pages import ORGANISATION_NUMBERS, ORGANISATION_WRITERS, READERS
from crm.pages.labels import words
from crm.pages.organisation_forms import AttachForm, OrganisationForm, ShowForm
from crm.people import profiles

SHOWN = 20
_FACTS = ("name", "fax", "bic", "address", "notes")


@require_safe
@staff_page(*READERS)
def organisation_list(request: HttpRequest) -> HttpResponse:
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(Organisation.objects.all(), moment="created_at", cursor=cursor)
    known = details_of(organisation_ids=[row.id for row in page.rows])
    here = reverse("organisation-list")
    context = {
        "organisations": [(row, known.get(row.id)) for row in page.rows],
        "may_write": account_of(request).role in ORGANISATION_WRITERS,
        "has_more": page.following is not None,
        "next_url": f"{here}?{urlencode({'after': str(page.following)})}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/organisations/list.html", context)


@require_safe
@staff_page(*READERS)
def organisation(request: HttpRequest, organisation_id: UUID) -> HttpResponse:
    return render(request, "crm/organisations/organisation.html", _shown(request, organisation_id))


@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ORGANISATION_WRITERS, needs_step_up=True)
def organisation_new(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = organisations.create_organisation(
            change=form.change(),
            **_facets(form),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
        messages.success(request, _("The organisation is kept."))
        return redirect("organisation", number)
    return _form(request, form, None)


@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ORGANISATION_WRITERS, needs_step_up=True)
def organisation_edit(request: HttpRequest, organisation_id: UUID) -> HttpResponse:
    row, known = _known(organisation_id)
    if known is None:
        messages.error(request, _("What is kept of this organisation cannot be opened."))
        return redirect("organisation", organisation_id)
    initial = {name: getattr(known, name) for name in _FACTS}
    initial |= {"country": row.country, "contract_ends_on": row.contract_ends_on}
    form = OrganisationForm(request.POST or None, initial=initial, details=known)
    if request.method == "POST" and form.is_valid() and _changed(request, form, organisation_id):
        messages.success(request, _("The organisation is changed."))
        return redirect("organisation", organisation_id)
    return _form(request, form, row)


def _changed(request: HttpRequest, form: OrganisationForm, organisation_id: UUID) -> bool:
    try:
        organisations.change_organisation(
            organisation_id=organisation_id,
            change=form.change(),
            **_facets(form),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except TooManyNumbers:
        form.add_error("iban", _("At most five account numbers are kept: forget one first."))
        return False
    return True


def _facets(form: OrganisationForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("country", "contract_ends_on")}


def _form(request: HttpRequest, form: OrganisationForm, row: Organisation | None) -> HttpResponse:
    context = {"form": form, "organisation": row}
    status = 422 if form.errors else 200
    return render(request, "crm/organisations/edit.html", context, status=status)


@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ORGANISATION_NUMBERS, needs_step_up=True)
def organisation_numbers(request: HttpRequest, organisation_id: UUID) -> HttpResponse:
    """Ask why, record it, and show the numbers on this one answer."""
    context = _shown(request, organisation_id)
    form = ShowForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        known = organisations.show_numbers(
            organisation_id=organisation_id,
            account_id=account_of(request).id,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        context["numbers"] = {
            "ibans": [grouped(one) for one in known.ibans] if known else [],
            "card": grouped(known.card_number) if known else "",
        }
    status = 422 if form.errors else 200
    return render(
        request, "crm/organisations/numbers.html", {**context, "form": form}, status=status
    )


@sensitive_post_parameters()
@require_POST
@staff_page(*ORGANISATION_WRITERS)
def organisation_attach(request: HttpRequest, organisation_id: UUID) -> HttpResponse:
    form = AttachForm(request.POST)
    try:
        if form.is_valid():
            organisations.attach_contact(
                organisation_id=organisation_id,
                email=form.cleaned_data["email"],
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
            messages.success(request, _("The contact is attached."))
        else:
            messages.error(request, _("This is not an e-mail address."))
    except OrganisationUnknown:
        raise Http404 from None
    except ContactNotFound:
        messages.error(request, _("No contact has this address."))
    return redirect("organisation", organisation_id)


@require_POST
@staff_page(*ORGANISATION_WRITERS)
def organisation_detach(
    request: HttpRequest, organisation_id: UUID, contact_id: UUID
) -> HttpResponse:
    get_object_or_404(Organisation, id=organisation_id)
    organisations.detach_contact(
        organisation_id=organisation_id,
        contact_id=contact_id,
        actor_id=account_of(request).id,
        now=timezone.now(),
    )
    messages.success(request, _("The contact is no longer attached."))
    return redirect("organisation", organisation_id)


# --- what the pages show ---------------------------------------------------------------------


def _known(organisation_id: UUID) -> tuple[Organisation, Details | None]:
    row = get_object_or_404(Organisation, id=organisation_id)
    return row, details_of(organisation_ids=[row.id]).get(row.id)


def _shown(request: HttpRequest, organisation_id: UUID) -> dict[str, Any]:
    row, known = _known(organisation_id)
    role = account_of(request).role
    return {
        "organisation": row,
        "is_readable": known is not None,
        "facts": {name: getattr(known, name) for name in _FACTS} if known else {},
        "ibans": [masked_iban(one) for one in known.ibans] if known else [],
        "card": masked_card(known.card_number) if known else "",
        "may_write": role in ORGANISATION_WRITERS,
        "may_show": role in ORGANISATION_NUMBERS,
        "attach_form": AttachForm(),
        **_contacts(request, row),
        "shown": _shown_before(row) if role in ORGANISATION_NUMBERS else [],
        "changes": _changed_before(row) if role in ORGANISATION_NUMBERS else [],
    }


def _contacts(request: HttpRequest, row: Organisation) -> dict[str, Any]:
    cursor = read_cursor(request.GET.get("after", ""))
    rows = Contact.objects.filter(organisation=row)
    page = page_after(rows, moment="created_at", cursor=cursor, size=SHOWN)
    people = profiles(contact_ids=[one.id for one in page.rows])
    here = reverse("organisation", args=[row.id])
    return {
        "contacts": [(one, people.get(one.id)) for one in page.rows],
        "has_more": page.following is not None,
        "next_url": f"{here}?{urlencode({'after': str(page.following)})}",
        "first_url": here if cursor else "",
    }


def _shown_before(row: Organisation) -> list[dict[str, Any]]:
    rows = list(NumberShown.objects.filter(organisation_id=row.id).order_by("-shown_at")[:SHOWN])
    names = _names({one.account_id for one in rows})
    return [
        {"at": one.shown_at, "by": names.get(one.account_id, ""), "why": words(REASONS, one.reason)}
        for one in rows
    ]


def _changed_before(row: Organisation) -> list[dict[str, Any]]:
    rows = NumberChange.objects.filter(organisation_id=row.id).order_by("-changed_at", "-id")
    lines = list(rows[:SHOWN])
    names = _names({one.account_id for one in lines})
    return [
        {
            "at": one.changed_at,
            "by": names.get(one.account_id, ""),
            "what": words(CHANGES, one.what),
            "last_four": one.last_four,
        }
        for one in lines
    ]


def _names(ids: set[UUID]) -> dict[UUID, str]:
    return dict(Account.objects.filter(id__in=ids).values_list("id", "username"))
