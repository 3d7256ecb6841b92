"""The accounts of staff: the list, one account, a new one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm.access import account_of, staff_page
from crm.accounts import recovery, tokens
from crm.accounts.events import events_of
from crm.accounts.officer_approval import AgreementNeeded, ask_agreement
from crm.accounts.register import UsernameTaken, create_account
from crm.keyset import page_after, read_cursor
from crm.models import Account, AccountEvent, Role
from crm.pages.account_forms import NewAccountForm
from crm.pages.labels import ACCOUNT_EVENTS, words

ADMINISTRATORS = ("administrator",)
# Those in charge see who has an account; what is done to one is the administrator's.
ACCOUNTS_READERS = (*ADMINISTRATORS, "dsi", "dpo")


@require_safe
@staff_page(*ACCOUNTS_READERS)
def account_list(request: HttpRequest) -> HttpResponse:
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(Account.objects.all(), moment="created_at", cursor=cursor)
    here, today = reverse("account-list"), timezone.localdate()
    context = {
        "lines": [(account, account.is_of_staff_on(today)) for account in page.rows],
        "may_administer": account_of(request).role in ADMINISTRATORS,
        "has_more": page.following is not None,
        "next_url": f"{here}?after={page.following}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/accounts/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ADMINISTRATORS, needs_step_up=True)
def account_new(request: HttpRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_account(
                **form.cleaned_data, actor_id=account_of(request).id, now=timezone.now()
            )
        except UsernameTaken:
            form.add_error("username", _("There is an account of that name already."))
        except ValidationError as refusal:
            form.add_error("username", refusal)
        except AgreementNeeded as need:
            ask_officers(request, need)
            return redirect("account-list")
        else:
            return show_password(request, made.account, made.password)
    status = 422 if form.errors else 200
    return render(request, "crm/accounts/new.html", {"form": form}, status=status)


def ask_officers(request: HttpRequest, need: AgreementNeeded) -> None:
    """Ask for the agreement that was missing, and say what comes next."""
    ask_agreement(need, actor_id=account_of(request).id, now=timezone.now())
    text = _(
        "Not done yet: somebody in charge of data protection or systems must agree first, and is"
        " asked. Do the same again once they have."
    )
    messages.warning(request, text)


def show_password(request: HttpRequest, account: Account, password: str) -> HttpResponse:
    """Answer with a password for the first day: in this response only, it is kept nowhere."""
    context = {"shown": account, "password": password}
    return render(request, "crm/accounts/password.html", context)


def show_key(request: HttpRequest, account: Account, key: str) -> HttpResponse:
    """Answer with the key to a new second factor: in this response only, it is kept hashed."""
    context = {"shown": account, "key": key}
    return render(request, "crm/accounts/key.html", context)


@require_safe
@staff_page(*ACCOUNTS_READERS)
def account_page(request: HttpRequest, account_id: UUID) -> HttpResponse:
    shown = get_object_or_404(Account, id=account_id)
    mine, here = account_of(request), reverse("account-page", args=[account_id])
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(events_of(account_id=account_id), moment="at", cursor=cursor)
    context = {
        "shown": shown,
        "is_open": shown.is_of_staff_on(timezone.localdate()),
        "lines": _event_lines(page.rows),
        "may_administer": mine.role in ADMINISTRATORS,
        **(_for_administrators(shown) if mine.role in ADMINISTRATORS else {}),
        "is_mine": mine.id == shown.id,
        "may_see_readings": mine.role == Role.DPO,
        "has_more": page.following is not None,
        "next_url": f"{here}?after={page.following}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/accounts/account.html", context)


def _for_administrators(shown: Account) -> dict[str, Any]:
    """The account's tokens that work, and who agreed to renew its second factor."""
    now = timezone.now()
    agreed = recovery.agreement(account=shown, now=now)
    decider = agreed.decided_by if agreed else None
    deciders = Account.objects.filter(id__in=[decider] if decider else [])
    return {
        "tokens": tokens.living_tokens(account=shown, now=now).order_by("-created_at"),
        "factor_agreed": agreed is not None,
        "factor_agreed_by": deciders.values_list("username", flat=True).first() or "",
    }


def _event_lines(rows: Any) -> list[dict[str, Any]]:
    actors = {row.actor_id for row in rows if row.actor_id}
    names = dict(Account.objects.filter(id__in=actors).values_list("id", "username"))
    return [
        {
            "at": row.at,
            "what": words(ACCOUNT_EVENTS, row.what),
            "detail": _detail(row),
            "by": names.get(row.actor_id, "") if row.actor_id else _("command line"),
        }
        for row in rows
    ]


def _detail(row: AccountEvent) -> str:
    said = row.detail
    match row.what:
        case "role":
            return f"{Role(said['before']).label} → {Role(said['after']).label}"
        case "created":
            return str(Role(said["role"]).label)
        case "ends_on":
            return str(said["day"] or _("none"))
        case _:
            return ""
