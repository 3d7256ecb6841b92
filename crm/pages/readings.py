"""Who read a person, and what an account read: for the data protection officer."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.access import account_of, staff_page
from crm.keyset import page_after, read_cursor
from crm.merging import absorbed_ids
from crm.models import Account, Contact, Organisation
from crm.pages.labels import CLASSES, REASONS_TO_READ, words
from crm.reading_more import ask_to_read_more, may_read_more
from privacy.services import AccessRecord, readings, readings_by, readings_of

OFFICER = ("dpo",)


@require_safe
@staff_page(*OFFICER)
def contact_readings(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Who read this person, also under the ids of those who were merged into them."""
    contact = get_object_or_404(Contact.objects.only("id"), id=contact_id)
    subjects = [contact.id, *absorbed_ids(contact_id=contact.id)]
    here = reverse("contact-readings", args=[contact_id])
    context = {
        "contact": contact,
        **reading_lines(request, readings_of(subject_ids=subjects), here),
    }
    return render(request, "crm/contacts/readings.html", context)


@require_safe
@staff_page(*OFFICER)
def account_readings(request: HttpRequest, account_id: UUID) -> HttpResponse:
    shown, now = get_object_or_404(Account, id=account_id), timezone.now()
    here = reverse("account-readings", args=[account_id])
    context = {
        "shown": shown,
        "read": readings(reader_id=shown.id, now=now),
        "has_more_granted": may_read_more(account_id=shown.id, now=now),
        **reading_lines(request, readings_by(reader_id=shown.id), here),
    }
    return render(request, "crm/accounts/readings.html", context)


@require_POST
@staff_page(*OFFICER)
def account_read_more(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Ask a second person to let an account read more people today."""
    shown = get_object_or_404(Account, id=account_id)
    ask_to_read_more(account_id=shown.id, actor_id=account_of(request).id, now=timezone.now())
    messages.success(request, _("Asked. It holds for today once another person has agreed."))
    return redirect("account-readings", shown.id)


def reading_lines(request: HttpRequest, rows: QuerySet[AccessRecord], here: str) -> dict[str, Any]:
    """Return the lines of one page of readings, and how its pages are turned."""
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(rows, moment="at", cursor=cursor)
    return {
        "lines": _lines(page.rows),
        "has_more": page.following is not None,
        "next_url": f"{here}?after={page.following}",
        "first_url": here if cursor else "",
    }


def _lines(rows: Sequence[AccessRecord]) -> list[dict[str, Any]]:
    readers = {row.reader_id for row in rows}
    names = dict(Account.objects.filter(id__in=readers).values_list("id", "username"))
    pages = _pages_of({row.subject_ids[0] for row in rows if len(row.subject_ids) == 1})
    return [
        {
            "row": row,
            "reader": names.get(row.reader_id, str(row.reader_id)),
            "why": words(REASONS_TO_READ, row.why),
            "what": words(CLASSES, str(row.retention_class)),
            "how_many": len(row.subject_ids),
            "url": pages.get(row.subject_ids[0], "") if len(row.subject_ids) == 1 else "",
        }
        for row in rows
    ]


def _pages_of(subjects: set[UUID]) -> dict[UUID, str]:
    """Return the addresses of contacts and organisations that are there: others have no page.

    Who was erased or merged has none, and neither has a part of a file.
    """
    found: dict[UUID, str] = {}
    for name, model in (("contact", Contact), ("organisation", Organisation)):
        ids = model._default_manager.filter(id__in=subjects).values_list("id", flat=True)
        found |= {number: reverse(name, args=[number]) for number in ids}
    return found
