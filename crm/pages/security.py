"""What happened at the doors, for those who watch over them: ids, codes and usernames."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from crm.access import staff_page
from crm.accounts.security_events import Kind
from crm.accounts.sharing import PERIOD, shared_accounts
from crm.keyset import page_after, read_cursor
from crm.models import Account, Role, SecurityEvent
from crm.pages import WATCHERS

KINDS = {
    Kind.WRONG_PASSWORD: _("Wrong password"),
    Kind.BRUTE_FORCE: _("Many wrong passwords from one place: locked for a while"),
    Kind.SLOW_GUESSING: _("Many wrong passwords in a day: only known browsers may try"),
    Kind.NETWORK_CHANGED: _("A session went on from another network"),
    Kind.RECOVERY_CODE_USED: _("A recovery code was used"),
    Kind.PASSKEY_ADDED: _("A passkey was added"),
    Kind.PASSKEY_REMOVED: _("A passkey was removed"),
    Kind.PASSKEY_COPIED: _("A passkey's counter went back: refused, it may be a copy"),
    Kind.FACTORS_RESET: _("The second factor was renewed by two people"),
    Kind.ENROLMENT_KEY_REFUSED: _("A wrong enrolment key"),
    Kind.SESSIONS_ENDED: _("Sessions were ended"),
    Kind.TOKEN_MADE: _("A token was made"),
    Kind.TOKEN_REVOKED: _("A token was revoked"),
    Kind.TOKEN_REFUSED: _("A token was refused"),
    Kind.ADDRESS_UNKNOWN: _("Customer service looked for an address that nobody has"),
    Kind.ADDRESSES_TRIED: _("Customer service tried too many addresses: stopped for a day"),
}
ALARMS = {
    Kind.BRUTE_FORCE,
    Kind.SLOW_GUESSING,
    Kind.PASSKEY_COPIED,
    Kind.ENROLMENT_KEY_REFUSED,
    Kind.TOKEN_REFUSED,
    Kind.ADDRESSES_TRIED,
}


@require_safe
@staff_page(*WATCHERS)
def event_list(request: HttpRequest) -> HttpResponse:
    """The latest events; a username that was tried and does not exist is known to nobody."""
    kind = request.GET.get("kind", "")
    rows = SecurityEvent.objects.filter(kind=kind) if kind in KINDS else SecurityEvent.objects.all()
    page = page_after(rows, moment="at", cursor=read_cursor(request.GET.get("after", "")))
    ids = {row.account_id for row in page.rows if row.account_id}
    found = Account.objects.filter(pk__in=ids).values_list("pk", "username")
    names: dict[UUID | None, str] = dict(found)
    chosen = f"kind={kind}&" if kind in KINDS else ""
    context = {
        "lines": [(row, KINDS[Kind(row.kind)], names.get(row.account_id)) for row in page.rows],
        "alarms": ALARMS,
        "kinds": [(each.value, words) for each, words in KINDS.items()],
        "kind": kind,
        "has_more": page.following is not None,
        "next_url": f"?{chosen}after={page.following}",
        "first_url": f"?{chosen}" if "after" in request.GET else "",
    }
    return render(request, "crm/security/events.html", context)


@require_safe
@staff_page(*WATCHERS)
def shared_accounts_page(request: HttpRequest) -> HttpResponse:
    """Accounts that were in use twice at a time."""
    context = {
        "suspicions": [
            (each, Role(each.role).label) for each in shared_accounts(now=timezone.now())
        ],
        "days": PERIOD.days,
        "events_url": reverse("security-events"),
    }
    return render(request, "crm/security/shared_accounts.html", context)
