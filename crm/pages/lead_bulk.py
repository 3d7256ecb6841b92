"""Many leads at once: taken, given back or closed, and put back as they were."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm import leads
from crm.access import account_of, staff_page
from crm.leads import TooManyLeads
from crm.pages import WRITERS
from crm.pages.leads import UNDO, back_to_list

ACTS = ("take", "give_back", "close", "in_progress")


@require_POST
@staff_page(*WRITERS)
def lead_bulk(request: HttpRequest) -> HttpResponse:
    """Do one thing to the leads that are ticked; the page then offers to undo it."""
    act, ids = request.POST.get("act", ""), _ids(request.POST.getlist("lead"))
    if act not in ACTS:
        raise BadRequest
    if not ids:
        messages.warning(request, _("Tick the leads first, then choose what to do with them."))
        return back_to_list(request)
    try:
        before = _carry_out(request, act, ids)
    except TooManyLeads:
        raise BadRequest from None
    if before["were"]:
        # In the session, sealed: an address would name the leads.
        request.session[UNDO] = before
    return back_to_list(request)


def _ids(given: list[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in given]
    except ValueError:
        raise BadRequest from None


def _carry_out(request: HttpRequest, act: str, ids: list[UUID]) -> dict[str, Any]:
    mine, now = account_of(request).id, timezone.now()
    if act in ("take", "give_back"):
        owner = mine if act == "take" else None
        whose = leads.assign_leads(lead_ids=ids, account_id=owner, actor_id=mine, now=now)
        were = {str(number): str(account or "") for number, account in whose.items()}
        return {"what": "owner", "were": were, "count": len(were)}
    state = "closed" if act == "close" else act
    states = leads.change_lead_states(lead_ids=ids, state=state, actor_id=mine, now=now)
    were = {str(number): old for number, old in states.items()}
    return {"what": "state", "were": were, "count": len(were)}


@require_POST
@staff_page(*WRITERS)
def lead_undo(request: HttpRequest) -> HttpResponse:
    """Put the leads of the last act back; safe to repeat, because it is forgotten by it."""
    done = request.session.pop(UNDO, None)
    if done is None:
        messages.warning(request, _("There is nothing to undo any more."))
        return back_to_list(request)
    mine, now = account_of(request).id, timezone.now()
    for value in sorted(set(done["were"].values())):
        ids = [UUID(number) for number, was in done["were"].items() if was == value]
        if done["what"] == "state":
            leads.change_lead_states(lead_ids=ids, state=value, actor_id=mine, now=now)
        else:
            _give_back_to(ids, value, mine, now)
    text = ngettext(
        "%(count)s lead is as it was.", "%(count)s leads are as they were.", done["count"]
    )
    messages.success(request, text % {"count": done["count"]})
    return back_to_list(request)


def _give_back_to(ids: list[UUID], owner: str, actor_id: UUID, now: datetime) -> None:
    """To whom they were; to nobody where that account does not follow leads up any more."""
    account = UUID(owner) if owner else None
    try:
        leads.assign_leads(lead_ids=ids, account_id=account, actor_id=actor_id, now=now)
    except leads.NotAFollower:
        leads.assign_leads(lead_ids=ids, account_id=None, actor_id=actor_id, now=now)
