"""Menu and home page of accounts, tickets and readings."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.models import Account, SupportTicket
from crm.pages.accounts import ACCOUNTS_READERS
from crm.pages.tickets import SUPPORT, TICKETS_READERS
from crm.shell import CardValue, register_card, register_menu
from privacy.services import stopped_today

IN_CHARGE = ("dpo", "dsi")
COUNTED = 100


def register() -> None:
    """Put them into the shell; safe to repeat."""
    register_menu(
        url_name="ticket-list",
        label=_("Tickets"),
        icon="lifebuoy",
        position=15,
        roles=TICKETS_READERS,
    )
    register_menu(
        url_name="account-list",
        label=_("Accounts"),
        icon="users-group",
        position=100,
        roles=ACCOUNTS_READERS,
    )
    register_card(
        code="tickets-open",
        label=_("My open tickets"),
        icon="lifebuoy",
        position=10,
        roles=SUPPORT,
        provider=_open_tickets,
    )
    register_card(
        code="readings-stopped",
        label=_("Accounts stopped today for reading too much"),
        icon="eye-off",
        position=5,
        roles=IN_CHARGE,
        provider=_stopped,
    )


def _open_tickets(account: Account, now: datetime) -> CardValue:
    rows = SupportTicket.objects.filter(opened_by=account.id, closed_at=None, closes_at__gt=now)
    count = len(rows.values_list("id")[: COUNTED + 1])
    return CardValue(f"{COUNTED}+" if count > COUNTED else count, url=reverse("ticket-list"))


def _stopped(account: Account, now: datetime) -> CardValue:
    """With one account the card leads to it."""
    stopped = stopped_today(now=now)
    names = Account.objects.filter(id__in=stopped).order_by("username")
    found = list(names.values_list("id", "username")[:3])
    url = reverse("account-list") if found else ""
    if len(stopped) == 1 and found:
        url = reverse("account-page", args=[found[0][0]])
    return CardValue(len(stopped), ", ".join(name for _number, name in found), url)
