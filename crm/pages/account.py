"""One's own account: password, authenticator and recovery codes."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.access import account_of, staff_page
from crm.accounts import second_factor
from crm.accounts.enrolment import show_codes
from crm.accounts.forms import ConfirmForm, NewPasswordForm
from crm.accounts.lockout import checked_password
from crm.accounts.passkeys import passkeys_of
from crm.accounts.second_factor import TooManyCodes, WrongCode
from crm.accounts.session_store import row_key
from crm.accounts.sign_in import WRONG, begin_enrolment, explain_refusal
from crm.accounts.sign_ins import end_sessions, sessions_of
from crm.pages import TOKEN_MAKERS


@require_safe
@staff_page()
def account(request: HttpRequest) -> HttpResponse:
    mine = account_of(request)
    context = {
        "unspent_codes": second_factor.unspent_codes(mine),
        "authenticator": second_factor.authenticator_of(mine),
        "passkeys": passkeys_of(mine),
        "sessions": sessions_of(account=mine, now=timezone.now()),
        "this_session": row_key(request.session.session_key or ""),
        "may_have_tokens": mine.role in TOKEN_MAKERS,
    }
    return render(request, "crm/account/account.html", context)


@require_POST
@staff_page()
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    key = request.session.session_key or ""
    end_sessions(account=account_of(request), now=timezone.now(), but=key)
    messages.success(request, _("Your other sessions are ended."))
    return redirect("account")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(is_password_page=True)
def change_password(request: HttpRequest) -> HttpResponse:
    mine = account_of(request)
    form = NewPasswordForm(request.POST or None, account=mine)
    if request.method == "POST" and form.is_valid():
        if checked_password(request, mine, form.cleaned_data["current"]):
            mine.set_password(form.cleaned_data["new"])
            mine.must_change_password = False
            mine.save(update_fields=["password", "must_change_password"])
            # Every other session of the account ends with the old password; this one goes on.
            update_session_auth_hash(request, mine)
            key = request.session.session_key or ""
            end_sessions(account=mine, now=timezone.now(), but=key)
            messages.success(request, _("Your password is changed."))
            return redirect("account")
        form.add_error("current", _("That is not your current password."))
    return render(request, "crm/account/change_password.html", {"form": form})


def _after_both_factors(
    request: HttpRequest, template: str, then: Callable[[], HttpResponse]
) -> HttpResponse:
    """Ask for both factors again, then go on; ASVS 5.0 7.5.1."""
    mine = account_of(request)
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not checked_password(request, mine, form.cleaned_data["password"]):
            form.add_error("password", _("That is not your current password."))
            return render(request, template, {"form": form})
        try:
            given = form.cleaned_data["code"]
            second_factor.check_either(account=mine, code=given, now=timezone.now())
        except (WrongCode, TooManyCodes) as refusal:
            explain_refusal(form, refusal, WRONG)
        else:
            return then()
    return render(request, template, {"form": form})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page()
def replace_authenticator(request: HttpRequest) -> HttpResponse:
    def begin() -> HttpResponse:
        begin_enrolment(request)
        return redirect("sign-in-authenticator")

    return _after_both_factors(request, "crm/account/replace_authenticator.html", begin)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page()
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    def show() -> HttpResponse:
        return show_codes(request, account_of(request), next_url="/account/")

    return _after_both_factors(request, "crm/account/renew_recovery_codes.html", show)
