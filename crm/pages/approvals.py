"""What waits for a second person: read it, agree or refuse, and look up what was decided."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import approving
from crm.access import account_of, staff_page
from crm.approval_kinds import APPROVERS, approval_kind
from crm.approving import AboutYou, ApprovalUnknown, NotForYou, Place, Shown
from crm.keyset import Cursor, read_cursor
from crm.models import Account
from privacy.services import AskedApproval, NotPending, SamePerson

APPROVE, REFUSE = "approve", "refuse"
# Names of the two cursors in the address.
PAST, WAITING = "after", "waiting"


@require_safe
@staff_page(*APPROVERS)
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits, and what was decided; each of the two has pages of its own."""
    account, now = account_of(request), timezone.now()
    cursor, waiting_cursor = (read_cursor(request.GET.get(name, "")) for name in (PAST, WAITING))
    past, has_more = approving.decided_before(account=account, after=_place(cursor), now=now)
    waiting, more_wait = (
        ([], False)
        if cursor
        else approving.waiting_for(account=account, now=now, after=_place(waiting_cursor))
    )
    names = _usernames([*(each.asked for each in waiting), *past])
    here = reverse("approval-list")
    context = {
        "waiting": [_waiting_line(each, names, account) for each in waiting],
        "more_wait": more_wait,
        "waiting_next_url": _following(WAITING, [each.asked for each in waiting]),
        "waiting_first_url": here if waiting_cursor else "",
        "past": [_line(each, names) for each in past],
        "has_more": has_more,
        "next_url": _following(PAST, past),
        "first_url": here if cursor else "",
    }
    return render(request, "crm/approvals/list.html", context)


def _place(cursor: Cursor | None) -> Place | None:
    return (cursor.at, cursor.id) if cursor else None


def _following(name: str, rows: Sequence[AskedApproval]) -> str:
    last = str(Cursor(rows[-1].requested_at, rows[-1].id)) if rows else ""
    return f"{reverse('approval-list')}?{urlencode({name: last})}"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*APPROVERS, needs_step_up=True)
def approval(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """One request in words; whoever comes to decide has shown the second factor again."""
    account = account_of(request)
    try:
        shown = approving.shown_to(account=account, approval_id=approval_id)
    except ApprovalUnknown:
        raise Http404 from None
    answer = request.POST.get("do", "")
    if request.method == "POST" and answer in (APPROVE, REFUSE):
        return _decided(request, approval_id, is_approved=answer == APPROVE)
    context = _waiting_line(shown, _usernames([shown.asked]), account)
    context["may_decide"] &= shown.asked.is_waiting(timezone.now())
    return render(request, "crm/approvals/approval.html", context)


def _decided(request: HttpRequest, approval_id: UUID, *, is_approved: bool) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    try:
        approving.decide(account=account, approval_id=approval_id, is_approved=is_approved, now=now)
    except NotForYou:
        raise PermissionDenied from None
    except AboutYou:
        messages.error(request, _("This is for your own account: another person decides it."))
    except SamePerson:
        messages.error(request, _("You asked for this yourself: another person decides it."))
    except NotPending:
        messages.error(request, _("It was decided or taken back meanwhile, or its time is over."))
    else:
        messages.success(request, _("You agreed to it.") if is_approved else _("It is refused."))
    return redirect("approval-list")


def _line(asked: AskedApproval, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "asked": asked,
        "title": approval_kind(asked.kind).title,
        "by": names.get(asked.requested_by, ""),
        "decided_by": names.get(asked.decided_by, "") if asked.decided_by else "",
        "is_over": asked.decided_at is None and asked.expires_at <= timezone.now(),
    }


def _waiting_line(shown: Shown, names: dict[UUID, str], account: Account) -> dict[str, Any]:
    return {
        **_line(shown.asked, names),
        "facts": shown.facts,
        "may_decide": shown.may_decide,
        "is_own": shown.asked.requested_by == account.id,
        "is_about_reader": shown.is_about_reader,
        "is_taken_back": shown.is_taken_back,
    }


def _usernames(rows: Iterable[AskedApproval]) -> dict[UUID, str]:
    wanted = {number for row in rows for number in (row.requested_by, row.decided_by) if number}
    return dict(Account.objects.filter(id__in=wanted).values_list("id", "username"))
