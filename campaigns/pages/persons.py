"""Looks at a mail as one person will get it: who it is, is chosen by search and written down."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.delivery.preparing import values_of
from campaigns.pages import WRITERS
from campaigns.pages.mail import Reader
from campaigns.trials import sample_values
from crm.services import NotASearch, SearchDown, find_people, person_of, staff_page, traits


@require_POST
@staff_page(*WRITERS)
def mail_persons(request: HttpRequest) -> HttpResponse:
    """A fragment: a few people to look at the mail as. POST: nobody's name stands in an address."""
    people, problem = [], ""
    try:
        people = list(find_people(text=request.POST.get("person", "")))
    except SearchDown:
        problem = _("The search does not answer at the moment. Try again in a minute.")
    except NotASearch:
        problem = _("Type at least three letters of a name, a company or an address.")
    context = {"people": people, "problem": problem}
    return render(request, "campaigns/_persons.html", context)


def reader_for(contact: str, language: str) -> Reader | None:
    """A contact as a mail sees them, as far as the reader may; the links do nothing.

    None where there is nobody to show.
    """
    try:
        contact_id = UUID(contact)
        person = person_of(contact_id=contact_id)
    except ValueError:
        return None
    if person is None:
        return None
    known = traits(contact_ids=[contact_id]).get(contact_id)
    values = {**sample_values(language), **values_of(person, language=language)}
    return Reader(values, known.words if known else {})


def nobody() -> str:
    return _("This person cannot be shown: look for them again.")
