"""Sequences on the page of a contact, and what staff do with one person's passage."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.automations.definition import NotASequence, find_step, read_definition
from campaigns.automations.enrolling import (
    NotActive,
    NotEnrolled,
    PassageOver,
    enrol_by_hand,
    stop_passage,
    take_up_again,
)
from campaigns.automations.notices import (
    NoticeUnknown,
    contact_of_notice,
    notices_of,
    settle_notice,
)
from campaigns.models import ColleagueNotice, Enrolment, EnrolmentChange, Sequence, SequenceState
from campaigns.pages.sequences import READERS, WRITERS, words
from crm.services import Account, ListRow, account_of, staff_page

SHOWN = 20


def panel(contact_id: UUID, account: Account) -> dict[str, Any] | None:
    """What the page of a contact shows; nothing for who does not read sequences."""
    if account.role not in READERS:
        return None
    rows = list(
        Enrolment.objects.filter(contact_id=contact_id)
        .select_related("sequence", "version")
        .order_by("-started_at", "-id")[:SHOWN]
    )
    may_write = account.role in WRITERS
    active = Sequence.objects.filter(state=SequenceState.ACTIVE).order_by("name", "id")
    return {
        "contact_id": contact_id,
        "lines": [_line(row) for row in rows],
        "changes": _changes([row.id for row in rows]),
        "notices": list(
            ColleagueNotice.objects.filter(
                contact_id=contact_id, account=account, seen_at=None
            ).select_related("sequence")[:SHOWN]
        ),
        "may_write": may_write,
        "sequences": list(active.values_list("id", "name")[:100]) if may_write else [],
    }


def _line(row: Enrolment) -> dict[str, Any]:
    step: str | Promise
    try:
        kind = find_step(read_definition(row.version.definition), row.step).kind
        step = words.KIND_NAMES[kind]
    except NotASequence:
        step = _("Before the first step")
    return {
        "row": row,
        "step": step,
        "state": words.PASSAGES[row.state],
        "reason": words.reason(row.reason) if row.reason else "",
        "is_paused": row.sequence.state != SequenceState.ACTIVE,
    }


def _changes(enrolment_ids: list[UUID]) -> dict[UUID, list[EnrolmentChange]]:
    found: dict[UUID, list[EnrolmentChange]] = {}
    for each in EnrolmentChange.objects.filter(enrolment_id__in=enrolment_ids).order_by("at"):
        found.setdefault(each.enrolment_id, []).append(each)
    return found


@require_POST
@staff_page(*WRITERS)
def passage_stop(request: HttpRequest, enrolment_id: UUID) -> HttpResponse:
    row = get_object_or_404(Enrolment, id=enrolment_id)
    stop_passage(enrolment_id=row.id, actor_id=account_of(request).id, now=timezone.now())
    messages.success(request, _("Stopped. You can let the person go on again below."))
    return _to_contact(row.contact_id)


@require_POST
@staff_page(*WRITERS)
def passage_resume(request: HttpRequest, enrolment_id: UUID) -> HttpResponse:
    row = get_object_or_404(Enrolment, id=enrolment_id)
    try:
        take_up_again(enrolment_id=row.id, actor_id=account_of(request).id, now=timezone.now())
    except PassageOver:
        messages.error(request, _("This passage is over and cannot be taken up again."))
    else:
        messages.success(request, _("The person goes on where they were."))
    return _to_contact(row.contact_id)


@require_POST
@staff_page(*WRITERS)
def passage_begin(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    try:
        enrol_by_hand(
            sequence_id=UUID(request.POST.get("sequence", "")),
            contact_id=contact_id,
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except (ValueError, Sequence.DoesNotExist):
        raise Http404 from None
    except NotActive:
        messages.error(request, _("This sequence is not active: nobody enters it."))
    except NotEnrolled:
        text = _("Not entered: the person is in it already, or may not enter it again yet.")
        messages.error(request, text)
    else:
        messages.success(request, _("The person has entered the sequence."))
    return _to_contact(contact_id)


def _to_contact(contact_id: UUID) -> HttpResponse:
    return redirect(f"{reverse('contact', args=[contact_id])}#sequences")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*READERS)
def sequence_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """GET, the link of a mail, leads to the contact; POST says that it is done."""
    mine = {"notice_id": notice_id, "account_id": account_of(request).id}
    try:
        if request.method == "POST":
            contact_id = settle_notice(**mine, now=timezone.now())
            messages.success(request, _("Done: it is off your list."))
        else:
            contact_id = contact_of_notice(**mine)
    except NoticeUnknown:
        raise Http404 from None
    return _to_contact(contact_id)


def home_list(account: Account, _now: object) -> list[ListRow]:
    """What sequences ask of this colleague, for their home page."""
    return [
        ListRow(
            title=_("Look at a contact"),
            url=reverse("sequence-notice", args=[each.id]),
            detail=each.sequence.name,
            at=each.at,
        )
        for each in notices_of(account_id=account.id, most=5)
    ]
