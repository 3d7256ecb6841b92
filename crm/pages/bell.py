"""The page behind the bell: what an account should look at, newest first."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm.access import account_of, staff_page
from crm.bell import kind_of, mark_read
from crm.keyset import page_after, read_cursor
from crm.models import Notification


@require_safe
@staff_page()
def notification_list(request: HttpRequest) -> HttpResponse:
    cursor = read_cursor(request.GET.get("after", ""))
    rows = Notification.objects.filter(account=account_of(request))
    page = page_after(rows, moment="at", cursor=cursor)
    context = {
        "lines": [(row, kind_of(row)) for row in page.rows],
        "has_more": page.following is not None,
        "next_url": f"?after={page.following}",
        "first_url": request.path if cursor else "",
        "has_unread": any(row.read_at is None for row in page.rows),
    }
    return render(request, "crm/notifications.html", context)


@require_POST
@staff_page()
def notification_open(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Note that it was seen, and go where it leads; another account's is not found."""
    account = account_of(request)
    row = get_object_or_404(Notification, id=notification_id, account=account)
    mark_read(account_id=account.id, notification_id=row.id, now=timezone.now())
    kind = kind_of(row)
    try:
        return redirect(kind.address(row.reference) if kind else "notification-list")
    except (NoReverseMatch, KeyError):
        return redirect("notification-list")


@require_POST
@staff_page()
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Note that all of one's own were seen."""
    mark_read(account_id=account_of(request).id, now=timezone.now())
    return redirect("notification-list")
