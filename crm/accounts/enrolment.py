"""The first authenticator of an account, or its next one; then the recovery codes, shown once."""

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from crm.access import is_verified, signed_in_account
from crm.accounts import recovery, second_factor
from crm.accounts.forms import CodeForm, EnrolmentKeyForm
from crm.accounts.passkeys import has_factor
from crm.accounts.second_factor import Secret, WrongCode
from crm.accounts.sign_in import begin_enrolment, finish, welcome
from crm.models import Account

_KEY_SHOWN = "enrolment_key_shown"
WRONG = gettext_lazy("That code is not right. Check that your telephone shows the right time.")


def drawing(address: str) -> SafeString:
    """Return the QR code as markup without a style attribute, which the CSP would refuse."""
    svg = segno.make(address, error="m").svg_inline(
        scale=4, border=3, dark="#000", light="#fff", svgclass="accord-qr", lineclass=None
    )
    return mark_safe(svg)  # noqa: S308  (segno's own markup: rectangles and numbers)


def _secret(request: HttpRequest) -> Secret | None:
    kept = request.session.get("new_secret")
    return Secret(kept) if kept else None


@require_http_methods(["GET", "HEAD", "POST"])
def authenticator(request: HttpRequest) -> HttpResponse:
    """Reached with a secret in the session: from the password screen or from the account page."""
    account, secret = signed_in_account(request), _secret(request)
    if account is None or secret is None:
        return redirect("home" if is_verified(request) else "sign-in")
    if not is_verified(request):  # a password alone never replaces a factor
        if has_factor(account):
            return redirect("sign-in-code")
        if recovery.needs_key(account) and _KEY_SHOWN not in request.session:
            return redirect("sign-in-enrolment-key")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _enrol(request, account, secret, form.cleaned_data["code"])
        except WrongCode:
            form.add_error("code", str(WRONG))
    context = {
        "form": form,
        "secret": secret.grouped,
        "qr": drawing(secret.address(username=account.username)),
    }
    return render(request, "crm/sign_in/authenticator.html", context)


def _enrol(request: HttpRequest, account: Account, secret: Secret, code: str) -> HttpResponse:
    device = second_factor.enrol_authenticator(account=account, secret=secret, code=code)
    del request.session["new_secret"]
    request.session.pop(_KEY_SHOWN, None)
    recovery.close_key(account=account, now=timezone.now())
    response = show_codes(request, account, next_url=finish(request, device, "enrolment"))
    return welcome(request, account, response)


def show_codes(request: HttpRequest, account: Account, *, next_url: str) -> HttpResponse:
    """Answer with new recovery codes: in this response only, they are kept nowhere."""
    codes = second_factor.issue_recovery_codes(account=account, now=timezone.now())
    context = {"codes": codes, "next_url": next_url, "account": account}
    return render(request, "crm/sign_in/recovery_codes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def enrolment_key(request: HttpRequest) -> HttpResponse:
    """Ask whoever lost every second factor for the key that was handed over in person."""
    account = signed_in_account(request)
    if account is None or is_verified(request) or not recovery.needs_key(account):
        return redirect("home")
    form = EnrolmentKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["key"]
        if recovery.is_right_key(account=account, key=given, now=timezone.now()):
            request.session[_KEY_SHOWN] = True
            begin_enrolment(request)
            return redirect("sign-in-authenticator")
        form.add_error("key", _("That key is not right, or its time is over. Ask for a new one."))
    return render(request, "crm/sign_in/enrolment_key.html", {"form": form})
