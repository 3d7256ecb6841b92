"""Two contacts are one person: find the other, see what will hold afterwards, say so."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from consent.services import NO_STATES, PERMITTING_STATES, merge_preview, purposes
from crm.access import account_of, staff_page
from crm.doorbells import ring_merges
from crm.merging import NotMergeable, kept_ids, merge_contacts
from crm.models import Contact
from crm.pages import WRITERS
from crm.pages.contact_forms import AddressForm
from crm.pages.labels import CHANNELS, LEDGER_STATES, words
from crm.people import profiles
from privacy.services import find_by_email

WHY_NOT: dict[str, Promise] = {
    "same": _("This is the address of the contact itself."),
    "unknown": _("No contact has this address."),
    "unreadable": _("The identity of this contact cannot be read: it cannot take in another one."),
    "merged": _("One of the two is part of another merge already."),
}


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def contact_merge(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """GET asks for the address of the other; the first POST shows both, the second one orders."""
    kept = get_object_or_404(Contact, id=contact_id)
    if request.method == "POST" and "absorbed" in request.POST:
        return _order(request, contact_id)
    form = AddressForm(request.POST or None)
    other = _found(form, contact_id) if form.is_bound and form.is_valid() else None
    known = profiles(contact_ids=[one.id for one in (kept, other) if one])
    context: dict[str, Any] = {"form": form, "contact": kept, "profile": known.get(contact_id)}
    if other:
        absorbed = known.get(other.id)
        context |= {
            "other": other,
            "other_profile": absorbed,
            "lines": _lines(contact_id, other.id, absorbed.email if absorbed else ""),
        }
    status = 422 if form.errors else 200
    return render(request, "crm/contacts/merge.html", context, status=status)


def _found(form: AddressForm, contact_id: UUID) -> Contact | None:
    subjects = find_by_email(emails=[form.cleaned_data["email"]]).values()
    kept = kept_ids(subjects)
    numbers = [kept.get(number, number) for number in subjects]
    other = Contact.objects.filter(id__in=numbers).first()
    if other is None or other.id == contact_id:
        form.add_error("email", str(WHY_NOT["same" if other else "unknown"]))
        return None
    return other


def _lines(kept_id: UUID, absorbed_id: UUID, email: str) -> list[dict[str, object]]:
    titles = {one.code: one.title for one in purposes(language=get_language() or "fr")}
    preview = merge_preview(kept_id=kept_id, absorbed_id=absorbed_id, absorbed_email=email)
    return [
        {
            "purpose": titles.get(line.purpose_code, line.purpose_code),
            "channel": words(CHANNELS, line.channel),
            **{side: _said(getattr(line, side)) for side in ("kept", "absorbed", "after")},
        }
        for line in preview
        if line.kept or line.absorbed or line.after
    ]


def _said(state: str) -> dict[str, object]:
    if not state:
        return {"words": _("nothing"), "colour": "secondary"}
    is_yes, is_no = state in PERMITTING_STATES, state in NO_STATES
    return {
        "words": words(LEDGER_STATES, state),
        "colour": "green" if is_yes else "red" if is_no else "secondary",
    }


def _order(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    try:
        absorbed_id = UUID(request.POST["absorbed"])
    except ValueError:
        raise BadRequest from None
    try:
        merge_contacts(
            kept_id=contact_id,
            absorbed_id=absorbed_id,
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except NotMergeable as error:
        messages.error(request, str(WHY_NOT[str(error)]))
    else:
        ring_merges()
        messages.success(request, str(_("The two are being made one; it takes a few seconds.")))
    return redirect("contact", contact_id)
