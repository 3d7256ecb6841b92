"""The page of one contact, and what staff do on it."""

from collections.abc import Callable
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import PurposeText, purposes
from crm import contacts
from crm.access import account_of, staff_page
from crm.contact_panels import panels_of
from crm.contacts import AddressUnknown, ContactUnknown, NotATag
from crm.merging import kept_ids
from crm.models import Contact
from crm.pages import PROVERS, READERS, WRITERS
from crm.pages.contact_forms import NoForm, StatusForm, TagForm
from crm.pages.contact_view import contact_view
from crm.people import profiles
from crm.reaching import mark_reachable
from crm.segments.choices import choices_of
from privacy.services import JournalUnreachable


@require_safe
@staff_page(*READERS)
def contact(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    row = Contact.objects.filter(id=contact_id).first()
    if row is None:
        if kept := kept_ids([contact_id]).get(contact_id):
            return redirect("contact", kept)
        raise Http404
    context = {
        **contact_view(row, language=get_language() or "fr"),
        "may_write": account_of(request).role in WRITERS,
        "may_prove": account_of(request).role in PROVERS,
        "may_see_readings": account_of(request).role == "dpo",
        "status_form": StatusForm(initial={"status": row.status}),
        "tag_form": TagForm(),
        "known_tags": choices_of("tag"),
        "panels": panels_of(contact_id=contact_id, account=account_of(request)),
    }
    return render(request, "crm/contacts/contact.html", context)


def _change(request: HttpRequest, contact_id: UUID, change: Callable[[], None]) -> HttpResponse:
    try:
        change()
    except ContactUnknown:
        raise Http404 from None
    return redirect("contact", contact_id)


@require_POST
@staff_page(*WRITERS)
def contact_status(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    form = StatusForm(request.POST)
    if not form.is_valid():
        raise BadRequest

    def change() -> None:
        contacts.change_status(
            contact_id=contact_id,
            status=form.cleaned_data["status"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
        messages.success(request, _("The status is changed."))

    return _change(request, contact_id, change)


@require_POST
@staff_page(*WRITERS)
def contact_tag(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    form = TagForm(request.POST)

    def change() -> None:
        try:
            contacts.tag_contact(
                contact_id=contact_id,
                title=form.cleaned_data["title"] if form.is_valid() else "",
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
        except NotATag:
            messages.error(request, _("Write a tag with at least one letter or digit."))

    return _change(request, contact_id, change)


@require_POST
@staff_page(*WRITERS)
def contact_untag(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    def change() -> None:
        contacts.untag_contact(
            contact_id=contact_id,
            slug=request.POST.get("slug", ""),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )

    return _change(request, contact_id, change)


@require_POST
@staff_page(*WRITERS)
def contact_reachable(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Its address is right again: what bounced before says nothing any more."""
    get_object_or_404(Contact.objects.only("id"), id=contact_id)
    mark_reachable(contact_id=contact_id, actor_id=account_of(request).id, now=timezone.now())
    return redirect("contact", contact_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*READERS)
def contact_no(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Ask once more, then record a "no" that the person told us."""
    row = get_object_or_404(Contact, id=contact_id)
    asked = {"purpose": request.GET.get("purpose", ""), "source": uuid4()}
    form = NoForm(request.POST or None, initial=asked)
    if request.method == "POST" and not form.is_valid():
        raise BadRequest
    code = form.cleaned_data["purpose"] if form.is_bound else asked["purpose"]
    every = purposes(language=get_language() or "fr", with_retired=True)
    known: dict[str, PurposeText] = {p.code: p for p in every}
    if code and code not in known:
        raise Http404
    if form.is_bound and _is_recorded(request, contact_id, form):
        return redirect("contact", contact_id)
    context = {
        "contact": row,
        "profile": profiles(contact_ids=[contact_id]).get(contact_id),
        "purpose": known.get(str(code)),
        "form": form,
    }
    return render(request, "crm/contacts/record_no.html", context)


def _is_recorded(request: HttpRequest, contact_id: UUID, form: NoForm) -> bool:
    try:
        contacts.record_no(
            contact_id=contact_id,
            purpose_code=form.cleaned_data["purpose"],
            source_id=form.cleaned_data["source"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except AddressUnknown:
        messages.error(request, _("The address of this contact cannot be read."))
    except JournalUnreachable:
        text = _("The privacy journal cannot be reached: nothing was recorded. Please try again.")
        messages.error(request, text)
    else:
        messages.success(request, _("The no is recorded. It holds from now on."))
        return True
    return False
