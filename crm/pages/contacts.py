"""The list of contacts and the exact search."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from crm.access import staff_page
from crm.contacts import ContactFilter
from crm.keyset import page_after, read_cursor
from crm.models import Contact, ContactTag
from crm.pages import READERS
from crm.pages.contact_forms import AddressForm, FilterForm
from crm.pages.labels import STATUS_COLOURS
from crm.people import profiles
from crm.segments.choices import STATUS_NAMES
from privacy.services import find_by_email


@require_safe
@staff_page(*READERS)
def contact_list(request: HttpRequest) -> HttpResponse:
    return render(request, "crm/contacts/list.html", _context(request, AddressForm()))


@sensitive_post_parameters()
@require_POST
@staff_page(*READERS)
def contact_find(request: HttpRequest) -> HttpResponse:
    """Go to the contact of exactly this address; the answer says only whether there is one."""
    form = AddressForm(request.POST)
    if form.is_valid():
        found = find_by_email(emails=[form.cleaned_data["email"]]).values()
        contact = Contact.objects.filter(id__in=found).first()
        if contact:
            return redirect("contact", contact.id)
        messages.info(request, _("No contact has this address."))
    return render(request, "crm/contacts/list.html", _context(request, form))


def _context(request: HttpRequest, search: AddressForm) -> dict[str, object]:
    filters = FilterForm(request.GET or None)
    chosen = filters.chosen() if filters.is_bound else ContactFilter()
    narrowed = {name: value for name, value in vars(chosen).items() if value}
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(chosen.rows(), moment="created_at", cursor=cursor)
    ids = [row.id for row in page.rows]
    identities = profiles(contact_ids=ids)
    tags: dict[object, list[str]] = {}
    for tagged in ContactTag.objects.filter(contact__in=ids).select_related("tag"):
        tags.setdefault(tagged.contact_id, []).append(tagged.tag.title)
    here = reverse("contact-list")
    following = urlencode({**narrowed, "after": str(page.following)})
    return {
        "search": search,
        "filters": filters,
        "narrowed": narrowed,
        "lines": [
            {
                "contact": row,
                "profile": identities.get(row.id),
                "tags": sorted(tags.get(row.id, [])),
                "status": STATUS_NAMES.get(row.status, row.status),
                "colour": STATUS_COLOURS.get(row.status, "secondary"),
            }
            for row in page.rows
        ],
        "has_more": page.following is not None,
        "next_url": f"{here}?{following}",
        "first_url": f"{here}?{urlencode(narrowed)}" if cursor else "",
    }
