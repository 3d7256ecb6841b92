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
from crm.services import (
    NotASearch,
    SearchDown,
    Traits,
    find_people,
    organisation_names,
    person_of,
    staff_page,
    traits,
)


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
        problem = _("Type at least two letters of a name, a company or an address.")
    context = {"people": people, "problem": problem}
    return render(request, "campaigns/_persons.html", context)


def reader_for(contact: str, language: str, *, needs_organisation: bool) -> Reader | None:
    """A contact as a mail sees them, as far as the reader may; the links do nothing.

    The organisation is opened for mails that name it only. None where there is nobody to show.
    """
    try:
        contact_id = UUID(contact)
        person = person_of(contact_id=contact_id)
    except ValueError:
        return None
    if person is None:
        return None
    known = traits(emails={contact_id: person.email})[contact_id]
    organisation = _organisation(known) if needs_organisation else ""
    theirs = values_of(person, organisation=organisation, language=language)
    return Reader({**sample_values(language), **theirs}, known.words)


def _organisation(known: Traits) -> str:
    number = known.organisation_id
    return organisation_names(organisation_ids=[number]).get(number, "") if number else ""


def nobody() -> str:
    return _("This person cannot be shown: look for them again.")
