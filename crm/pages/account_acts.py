"""What the administrator does to an account: a page each, that says what follows, and a button."""

from collections.abc import Callable
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
from crm.accounts import directory
from crm.accounts.directory import LastOfficer, NotOneself
from crm.models import Account
from crm.pages.account_forms import EndForm, RoleForm
from crm.pages.accounts import ADMINISTRATORS, show_password


@dataclass(frozen=True)
class Act:
    """A verb of the directory; a password that it returns is shown once."""

    title: Promise
    text: Promise
    verb: Callable[..., Any]
    form: type[forms.Form] = forms.Form
    is_red: bool = False


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
    except NotOneself:
        form.add_error(None, _("Nobody does this to their own account: ask another one."))
    except LastOfficer:
        text = _("Somebody must always hold this role, without a last day. Name another one first.")
        form.add_error(None, text)
    else:
        if isinstance(found, str):
            return show_password(request, shown, found)
        messages.success(request, _("Done."))
        return redirect("account-page", shown.id)
    return None
