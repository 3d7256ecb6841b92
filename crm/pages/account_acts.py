"""What the administrator does to an account: a page each, that says what follows, and a button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from crm.access import account_of, staff_page
from crm.accounts import directory, recovery
from crm.accounts.officer_approval import AgreementNeeded
from crm.accounts.register import ActRefused, NoSuchAccount, NotOneself
from crm.models import Account
from crm.pages.account_forms import EndForm, RoleForm
from crm.pages.accounts import ADMINISTRATORS, ask_officers, show_key, show_password

DONE = gettext_lazy("Done.")


@dataclass(frozen=True)
class Act:
    """A verb of the directory; what it returns, a password or a key, is shown once by `show`."""

    title: Promise
    text: Promise
    verb: Callable[..., Any]
    form: type[forms.Form] = forms.Form
    is_red: bool = False
    show: Callable[[HttpRequest, Account, str], HttpResponse] = show_password
    said: Promise = DONE


REFUSALS: Mapping[type[ActRefused], Promise] = {
    NotOneself: gettext_lazy("Nobody does this to their own account: ask another one."),
    directory.LastOfficer: gettext_lazy(
        "Somebody must always hold this role, without a last day. Name another one first."
    ),
    directory.NotClosed: gettext_lazy("This account is open: give a new password instead."),
    directory.KeyIsOpen: gettext_lazy(
        "A new second factor waits to be set up with the key that was handed over. Until then the"
        " password stays. If it is lost as well, close this account and create another one."
    ),
    recovery.PasswordIsKnown: gettext_lazy(
        "The password was given by an administrator and not changed yet. If it is lost as well,"
        " close this account and create another one."
    ),
    recovery.NobodyAgreed: gettext_lazy(
        "Nobody has agreed to this, or it is too long ago: ask for it first."
    ),
    recovery.AskedAlready: gettext_lazy(
        "This was asked for already. Those in charge of data protection or systems decide it."
    ),
}
ACTS = {
    "role": Act(
        gettext_lazy("Change the role"),
        gettext_lazy("The account sees what its new role may see, from its next sign-in on."),
        directory.change_role,
        RoleForm,
    ),
    "end": Act(
        gettext_lazy("Set the last day"),
        gettext_lazy("For whoever leaves, and for a contract with an end."),
        directory.end_account_on,
        EndForm,
    ),
    "password": Act(
        gettext_lazy("Give a new password"),
        gettext_lazy("It is shown once and changed at the next sign-in. The second factor stays."),
        directory.give_new_password,
    ),
    "sessions": Act(
        gettext_lazy("End all sessions"),
        gettext_lazy("Whoever is signed in with this account is signed out at once."),
        directory.end_sessions,
    ),
    "tokens": Act(
        gettext_lazy("Revoke all tokens"),
        gettext_lazy("Programs that use a token of this account are refused from now on."),
        directory.revoke_tokens,
    ),
    "factor-ask": Act(
        gettext_lazy("Ask for a new second factor"),
        gettext_lazy(
            "For whoever lost every second factor and every recovery code. Somebody in charge of"
            " data protection or systems must agree; then renew it here within two days."
        ),
        recovery.ask_new_factor,
        said=gettext_lazy("Asked. Renew it here once another person has agreed."),
    ),
    "factor-renew": Act(
        gettext_lazy("Renew the second factor"),
        gettext_lazy(
            "Every second factor, recovery code, session and token of the account ends. A key is"
            " shown once: hand it over in person. The password stays."
        ),
        recovery.renew_factor,
        is_red=True,
        show=show_key,
    ),
    "close": Act(
        gettext_lazy("Close the account"),
        gettext_lazy("Its sessions end and nobody can sign in with it. What was done stays known."),
        directory.close_account,
        is_red=True,
    ),
    "reopen": Act(
        gettext_lazy("Open the account again"),
        gettext_lazy("It gets a new password, shown once. Its second factor stays."),
        directory.reopen_account,
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ADMINISTRATORS, needs_step_up=True)
def account_act(request: HttpRequest, account_id: UUID, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    shown, asked = get_object_or_404(Account, id=account_id), ACTS[act]
    initial = {"role": shown.role, "day": shown.ends_on}
    form = asked.form(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        done = _do(request, shown, asked, form)
        if done is not None:
            return done
    context = {"shown": shown, "act": asked, "form": form}
    status = 422 if form.errors else 200
    return render(request, "crm/accounts/act.html", context, status=status)


def _do(request: HttpRequest, shown: Account, act: Act, form: forms.Form) -> HttpResponse | None:
    try:
        found = act.verb(
            account_id=shown.id,
            actor_id=account_of(request).id,
            now=timezone.now(),
            **form.cleaned_data,
        )
    except ActRefused as refusal:
        form.add_error(None, str(REFUSALS[type(refusal)]))
        return None
    except NoSuchAccount:
        form.add_error(None, _("This account is closed: open it again first."))
        return None
    except AgreementNeeded as need:
        ask_officers(request, need)
        return redirect("account-page", shown.id)
    if isinstance(found, str):
        return act.show(request, shown, found)
    messages.success(request, str(act.said))
    return redirect("account-page", shown.id)
