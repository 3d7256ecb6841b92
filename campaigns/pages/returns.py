"""What came back: how much of what, and what a person has to look at."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaigns import services
from campaigns.models import Return
from campaigns.pages import READERS, WRITERS
from campaigns.returns import waiting
from campaigns.returns.kinds import Kind
from crm.services import Account, ListRow, account_of, page_after, read_cursor, staff_page

# The words of what nobody recognised are of people: not for who only reads campaigns.
LOOKERS = (*WRITERS, "dpo")
_COUNTED = timedelta(days=30)
# The oldest wishes; whoever is done with one sees the next.
_WISHES_SHOWN, _AT_HOME = 50, 10
KIND_NAMES: dict[str, Promise] = {
    Kind.HARD_BOUNCE: gettext_lazy("Bounced for good"),
    Kind.SOFT_BOUNCE: gettext_lazy("Bounced this time"),
    Kind.DELAYED: gettext_lazy("Delayed"),
    Kind.DELIVERED: gettext_lazy("Delivered"),
    Kind.COMPLAINT: gettext_lazy("Complaint"),
    Kind.OPT_OUT: gettext_lazy("A no by mail"),
    Kind.REPLY: gettext_lazy("Reply"),
    Kind.AUTO_REPLY: gettext_lazy("Automatic reply"),
    Kind.CHALLENGE: gettext_lazy("Asks the sender to prove themselves"),
    Kind.NOTICE: gettext_lazy("Receipt or report"),
    Kind.UNKNOWN: gettext_lazy("Not recognised"),
}
ATTRIBUTIONS: dict[str, Promise] = {
    "return_path": gettext_lazy("by its return path"),
    "message_id": gettext_lazy("by the message it answers"),
    "campaign": gettext_lazy("the campaign only"),
    "gone": gettext_lazy("its message is deleted"),
    "none": gettext_lazy("about no message of ours"),
    "forged": gettext_lazy("its return path is forged"),
}


@require_safe
@staff_page(*READERS)
def return_list(request: HttpRequest) -> HttpResponse:
    """Wishes first, oldest first; figures of thirty days; what else waits, newest first."""
    now = timezone.now()
    cursor = read_cursor(request.GET.get("after", ""))
    others = Return.objects.filter(is_kept=True, looked_at=None, is_wish=False)
    page = page_after(others, moment="received_at", cursor=cursor, size=25)
    late = waiting.unseen().filter(received_at__lt=now - waiting.OVERDUE_AFTER)
    context = {
        "wishes": _named(list(waiting.wishes()[:_WISHES_SHOWN])),
        "late": late.count(),
        "figures": _figures(now - _COUNTED),
        "rows": _named(page.rows),
        "has_more": page.following is not None,
        "next_url": f"?after={page.following}",
        "first_url": "?" if cursor else "",
        "may_look": account_of(request).role in LOOKERS,
    }
    return render(request, "campaigns/returns/list.html", context)


def _named(rows: Sequence[Return]) -> list[tuple[Return, Promise, Promise]]:
    return [(row, KIND_NAMES[row.kind], ATTRIBUTIONS[row.attribution]) for row in rows]


def wishes_at_home(_account: Account, _now: datetime) -> list[ListRow]:
    """What people asked for by mail and nobody has looked at, oldest first."""
    return [
        ListRow(
            title=str(KIND_NAMES[row.kind]),
            url=reverse("return", args=[row.id]),
            detail=_("Somebody asks for something: read it"),
            at=row.received_at,
        )
        for row in waiting.wishes()[:_AT_HOME]
    ]


def list_address(_reference: Mapping[str, Any]) -> str:
    """Where a notification about what came back leads."""
    return reverse("return-list")


def _figures(since: object) -> list[tuple[Promise, int]]:
    """By an index over the days asked: what comes back is a small part of what is sent."""
    counted = Return.objects.filter(received_at__gte=since).values("kind").annotate(n=Count("id"))
    by_kind = dict(counted.order_by().values_list("kind", "n"))
    return [(name, by_kind[kind]) for kind, name in KIND_NAMES.items() if kind in by_kind]


@require_safe
@staff_page(*LOOKERS)
def return_page(request: HttpRequest, return_id: UUID) -> HttpResponse:
    """The words of one message: as text, and nothing of it can be followed or fetched."""
    row = get_object_or_404(Return, id=return_id)
    said = services.words_of_return(return_id=return_id) if row.is_kept else None
    context = {
        "row": row,
        "kind": KIND_NAMES[row.kind],
        "attribution": ATTRIBUTIONS[row.attribution],
        "said": said,
    }
    return render(request, "campaigns/returns/one.html", context)


@require_POST
@staff_page(*LOOKERS)
def return_looked(request: HttpRequest, return_id: UUID) -> HttpResponse:
    """Done with: the worker destroys what is kept of it."""
    try:
        services.close_return(
            return_id=return_id, actor_id=account_of(request).id, now=timezone.now()
        )
    except Return.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("Done. What is kept of the message is destroyed within the hour."))
    return redirect("return-list")
