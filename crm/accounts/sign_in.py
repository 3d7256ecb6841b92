"""The sign-in screens: one question each. Nothing says whether an account exists."""

from typing import TypeVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as verify_session
from django_otp.models import Device

from crm.access import is_verified, signed_in_account
from crm.accounts import passkeys, recovery, second_factor
from crm.accounts.circumstances import circumstances_of
from crm.accounts.forms import CodeForm, PasswordForm, RecoveryCodeForm, UsernameForm
from crm.accounts.known_browsers import is_held_back, note_wrong_password, remember_browser
from crm.accounts.second_factor import TooManyCodes, WrongCode
from crm.accounts.session_store import SIGN_IN
from crm.accounts.sessions import end_session, start_session
from crm.accounts.sign_ins import record_sign_in
from crm.models import Account
from crm.pages.language import remember_language, safe_next
from crm.step_up import confirm_session

USERNAME = "sign_in_username"
NEXT = "sign_in_next"
WRONG = gettext_lazy("That code is not right, or it was used already. Wait for the next one.")
WRONG_RECOVERY = gettext_lazy("That recovery code is not right, or it was used already.")


def finish(request: HttpRequest, device: Device, factor: str) -> str:
    """Mark the session as verified under a new key; return where the person wanted to go."""
    account = signed_in_account(request)
    assert account is not None  # noqa: S101  (the screens ask for the password first)
    verify_session(request, device)
    request.session.cycle_key()
    now = timezone.now()
    confirm_session(request, now=now)
    # An account that replaces its authenticator is in already: one sign-in, not two.
    if SIGN_IN not in request.session:
        seen = circumstances_of(request)
        made = record_sign_in(account=account, factor=factor, circumstances=seen, now=now)
        request.session[SIGN_IN] = str(made)
    return request.session.pop(NEXT, "") or reverse("home")


def confirm_again(request: HttpRequest) -> None:
    """Note that the second factor was shown again, under a new key (ASVS 5.0 7.2.4)."""
    request.session.cycle_key()
    confirm_session(request, now=timezone.now())


R = TypeVar("R", bound=HttpResponse)


def welcome(request: HttpRequest, account: Account, response: R) -> R:
    """Let the browser keep the account's language, and the sign that it was inside."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        remember_language(response, account.language)
    remember_browser(response, account)
    return response


def explain_refusal(form: forms.Form, refusal: WrongCode | TooManyCodes, wrong: object) -> None:
    if isinstance(refusal, TooManyCodes) and refusal.retry_at is not None:
        moment = timezone.localtime(refusal.retry_at).strftime("%H:%M:%S")
        form.add_error("code", _("Too many wrong codes. Try again after %s.") % moment)
    else:
        form.add_error("code", str(wrong))


@require_http_methods(["GET", "HEAD", "POST"])
def username(request: HttpRequest) -> HttpResponse:
    if is_verified(request):
        return redirect("home")
    form = UsernameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        end_session(request)  # a half-finished sign-in of somebody else, and the key with it
        request.session[USERNAME] = form.cleaned_data["username"]
        request.session[NEXT] = safe_next(request, request.POST.get("next", ""))
        return redirect("sign-in-password")
    context = {"form": form, "next": safe_next(request, request.GET.get("next", ""))}
    return render(request, "crm/sign_in/username.html", context)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    name = request.session.get(USERNAME)
    if name is None:
        return redirect("sign-in")
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if is_held_back(request, name):
            return render(request, "crm/sign_in/locked.html", {"is_held_back": True}, status=429)
        account = authenticate(request, username=name, password=form.cleaned_data["password"])
        if isinstance(account, Account):
            return _half_way(request, account)
        note_wrong_password(request, name)
        form.add_error("password", _("The username or the password is not right."))
    context = {"form": form, "username": name}
    return render(request, "crm/sign_in/password.html", context)


def _half_way(request: HttpRequest, account: Account) -> HttpResponseRedirect:
    del request.session[USERNAME]
    login(request, account)  # under a new session key
    start_session(request)
    if passkeys.has_factor(account):
        return HttpResponseRedirect(reverse("sign-in-code"))
    if recovery.needs_key(account):
        return HttpResponseRedirect(reverse("sign-in-enrolment-key"))
    begin_enrolment(request)
    return HttpResponseRedirect(reverse("sign-in-authenticator"))


def begin_enrolment(request: HttpRequest) -> None:
    """Keep a new secret in the session: no device exists before a code has shown that it works."""
    request.session["new_secret"] = second_factor.new_secret().hexadecimal


def _code_screen(request: HttpRequest, *, is_recovery: bool) -> HttpResponse:
    account = signed_in_account(request)
    if account is None or is_verified(request):
        return redirect("home")
    if not passkeys.has_factor(account):
        is_reset = recovery.needs_key(account)
        return redirect("sign-in-enrolment-key" if is_reset else "sign-in-authenticator")
    form = (RecoveryCodeForm if is_recovery else CodeForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _accept(request, account, form.cleaned_data["code"], is_recovery=is_recovery)
        except (WrongCode, TooManyCodes) as refusal:
            explain_refusal(form, refusal, WRONG_RECOVERY if is_recovery else WRONG)
    name = "recovery_code" if is_recovery else "code"
    context = {
        "form": form,
        "has_passkey": passkeys.has_passkey(account),
        "has_authenticator": second_factor.authenticator_of(account) is not None,
    }
    return render(request, f"crm/sign_in/{name}.html", context)


def _accept(
    request: HttpRequest, account: Account, code: str, *, is_recovery: bool
) -> HttpResponseRedirect:
    now = timezone.now()
    if is_recovery:
        device = second_factor.spend_recovery_code(account=account, code=code, now=now)
        finish(request, device, "recovery_code")
        target = reverse("account")
        text = _("That recovery code is spent. If your telephone is lost, replace it here.")
        messages.warning(request, text)
    else:
        device = second_factor.check_code(account=account, code=code)
        target = finish(request, device, "code")
    return welcome(request, account, HttpResponseRedirect(target))


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    return _code_screen(request, is_recovery=False)


@require_http_methods(["GET", "HEAD", "POST"])
def recovery_code(request: HttpRequest) -> HttpResponse:
    return _code_screen(request, is_recovery=True)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    end_session(request)
    messages.success(request, _("You are signed out."))
    return redirect("sign-in")
