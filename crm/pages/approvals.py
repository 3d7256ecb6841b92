"""What waits for a second person: read it, agree or refuse, and look up what was decided."""

from collections.abc import Iterable
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
from crm.approval_kinds import APPROVERS, KindUnknown, approval_kind
from crm.approving import ApprovalUnknown, NotForYou
from crm.keyset import Cursor, read_cursor
from crm.models import Account
from privacy.services import AskedApproval, NotPending, SamePerson

APPROVE, REFUSE = "approve", "refuse"


@require_safe
@staff_page(*APPROVERS)
def approval_list(request: HttpRequest) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    cursor = read_cursor(request.GET.get("after", ""))
    after = (cursor.at, cursor.id) if cursor else None
    past, has_more = approving.decided_before(account=account, after=after, now=now)
    waiting = [] if cursor else approving.waiting_for(account=account, now=now)
    names = _usernames([*(each.asked for each in waiting), *past])
    here = reverse("approval-list")
    last = str(Cursor(past[-1].requested_at, past[-1].id)) if past else ""
    context = {
        "waiting": [
            {**_line(each.asked, names, account), "may_decide": each.may_decide} for each in waiting
        ],
        "past": [_line(each, names, account) for each in past],
        "has_more": has_more,
        "next_url": f"{here}?{urlencode({'after': last})}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/approvals/list.html", context)


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
    context = {
        **_line(shown.asked, _usernames([shown.asked]), account),
        "may_decide": shown.may_decide and shown.asked.is_waiting(timezone.now()),
    }
    return render(request, "crm/approvals/approval.html", context)


def _decided(request: HttpRequest, approval_id: UUID, *, is_approved: bool) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    try:
        approving.decide(account=account, approval_id=approval_id, is_approved=is_approved, now=now)
    except NotForYou:
        raise PermissionDenied from None
    except SamePerson:
        messages.error(request, _("You asked for this yourself: another person decides it."))
    except NotPending:
        messages.error(request, _("It was decided meanwhile, or its time is over."))
    else:
        messages.success(request, _("You agreed to it.") if is_approved else _("It is refused."))
    return redirect("approval-list")


def _line(asked: AskedApproval, names: dict[UUID, str], account: Account) -> dict[str, Any]:
    try:
        kind = approval_kind(asked.kind)
    except KindUnknown:
        title, facts = asked.kind, []
    else:
        title, facts = str(kind.title), list(kind.describe(asked.reference))
    return {
        "asked": asked,
        "title": title,
        "facts": facts,
        "by": names.get(asked.requested_by, ""),
        "decided_by": names.get(asked.decided_by, "") if asked.decided_by else "",
        "is_own": asked.requested_by == account.id,
        "is_over": asked.decided_at is None and asked.expires_at <= timezone.now(),
    }


def _usernames(rows: Iterable[AskedApproval]) -> dict[UUID, str]:
    wanted = {number for row in rows for number in (row.requested_by, row.decided_by) if number}
    return dict(Account.objects.filter(id__in=wanted).values_list("id", "username"))
