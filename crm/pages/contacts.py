"""The list of contacts, and the search in it."""

from collections.abc import Sequence
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
from crm.pages.contact_forms import FilterForm, SearchForm
from crm.pages.contact_search import page_of_found
from crm.pages.labels import STATUS_COLOURS
from crm.people import profiles
from crm.search.asking import SearchDown, search_status
from crm.segments.choices import STATUS_NAMES
from privacy.services import find_by_email

Context = dict[str, object]
LIST = "crm/contacts/list.html"


@require_safe
@staff_page(*READERS)
def contact_list(request: HttpRequest) -> HttpResponse:
    return render(request, LIST, {**_list(request, SearchForm()), **_how_the_search_is()})


@sensitive_post_parameters()
@require_POST
@staff_page(*READERS)
def contact_find(request: HttpRequest) -> HttpResponse:
    """Show who is found by what was typed; a whole address leads to its contact at once."""
    search = SearchForm(request.POST)
    if not search.is_valid():
        return render(request, LIST, {**_list(request, search), **_how_the_search_is()})
    address = search.address()
    if address and (contact := _addressee(address)):
        return redirect("contact", contact.id)
    try:
        return render(request, LIST, _found(request, search))
    except SearchDown as down:
        if address:
            messages.info(request, _("No contact has this address."))
        return render(request, LIST, {**_list(request, search), "down": down})


def _addressee(address: str) -> Contact | None:
    return Contact.objects.filter(id__in=find_by_email(emails=[address]).values()).first()


def _how_the_search_is() -> Context:
    try:
        return {"how": search_status()}
    except SearchDown as down:
        return {"down": down}


def _list(request: HttpRequest, search: SearchForm) -> Context:
    filters = FilterForm(request.GET or None)
    chosen = filters.chosen() if filters.is_bound else ContactFilter()
    narrowed = _narrowed(chosen)
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(chosen.rows(), moment="created_at", cursor=cursor)
    here = reverse("contact-list")
    following = urlencode({**narrowed, "after": str(page.following)})
    return {
        "search": search,
        "filters": filters,
        "narrowed": narrowed,
        "lines": _lines(page.rows),
        "has_more": page.following is not None,
        "next_url": f"{here}?{following}",
        "first_url": f"{here}?{urlencode(narrowed)}" if cursor else "",
    }


def _found(request: HttpRequest, search: SearchForm) -> Context:
    """Raises SearchDown."""
    filters = FilterForm(request.POST)
    chosen = filters.chosen()
    words, after = search.cleaned_data["words"], search.cleaned_data["after"]
    page = page_of_found(words=words, chosen=chosen, after=after)
    return {
        "search": search,
        "words": words,
        "filters": filters,
        "narrowed": _narrowed(chosen),
        "lines": _lines(page.rows),
        "is_first": not after,
        "following": page.following,
        "is_cut": page.is_cut,
        "how": page.status,
    }


def _narrowed(chosen: ContactFilter) -> dict[str, str]:
    return {name: value for name, value in vars(chosen).items() if value}


def _lines(rows: Sequence[Contact]) -> list[Context]:
    ids = [row.id for row in rows]
    identities = profiles(contact_ids=ids)
    tags: dict[object, list[str]] = {}
    for tagged in ContactTag.objects.filter(contact__in=ids).select_related("tag"):
        tags.setdefault(tagged.contact_id, []).append(tagged.tag.title)
    return [
        {
            "contact": row,
            "profile": identities.get(row.id),
            "tags": sorted(tags.get(row.id, [])),
            "status": STATUS_NAMES.get(row.status, row.status),
            "colour": STATUS_COLOURS.get(row.status, "secondary"),
        }
        for row in rows
    ]
