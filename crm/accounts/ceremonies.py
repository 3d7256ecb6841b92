"""The two requests of a passkey's ceremony, for the sign-in and for what needs the factor again.

The question is kept in the session, for one answer and five minutes; passkeys.js carries both.
"""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.access import account_of, is_verified, signed_in_account, staff_page
from crm.accounts import passkeys
from crm.accounts.passkeys import PasskeyCopied, PasskeyRefused, State
from crm.accounts.sign_in import confirm_again, finish, welcome
from crm.models import Account
from crm.pages.language import safe_next

_QUESTION = "passkey_question"
LIFE_SECONDS = 300


def ask(request: HttpRequest, purpose: str, question: dict[str, Any], state: State) -> JsonResponse:
    """Send the question and keep what its answer is compared with."""
    moment = timezone.now().timestamp()
    request.session[_QUESTION] = {"purpose": purpose, "asked_at": moment, "state": state}
    return JsonResponse(question)


def answered(request: HttpRequest, purpose: str) -> tuple[State, dict[str, Any]]:
    """Return the state and the answer, and forget the question; raises PasskeyRefused."""
    kept = request.session.pop(_QUESTION, None)
    # At once: whatever happens next, no answer is taken twice.
    request.session.save()
    try:
        answer = json.loads(request.body)
    except ValueError:
        answer = None
    if kept is None or kept["purpose"] != purpose or not isinstance(answer, dict):
        raise PasskeyRefused(PasskeyRefused.__doc__)
    if timezone.now().timestamp() - kept["asked_at"] > LIFE_SECONDS:
        raise PasskeyRefused(PasskeyRefused.__doc__)
    return kept["state"], answer


def refused(refusal: PasskeyRefused) -> JsonResponse:
    """Say what to do; nothing of the answer is repeated."""
    if isinstance(refusal, PasskeyCopied):
        text = _("This passkey may have been copied, and is refused. Tell information systems.")
    else:
        text = _("That passkey was not accepted. Try again, or use another way.")
    return JsonResponse({"detail": text}, status=403)


def _half_way(request: HttpRequest) -> Account | None:
    """Return the account that has shown its password and must show its second factor now."""
    account = signed_in_account(request)
    return None if account is None or is_verified(request) else account


@require_POST
def begin_sign_in(request: HttpRequest) -> HttpResponse:
    account = _half_way(request)
    if account is None or not passkeys.has_passkey(account):
        return redirect("sign-in" if account is None else "sign-in-code")
    return ask(request, "sign-in", *passkeys.begin_check(account=account))


@require_POST
def complete_sign_in(request: HttpRequest) -> HttpResponse:
    account = _half_way(request)
    if account is None:
        return redirect("sign-in")
    try:
        state, answer = answered(request, "sign-in")
        device = passkeys.check_passkey(
            account=account, state=state, answer=answer, now=timezone.now()
        )
    except PasskeyRefused as refusal:
        return refused(refusal)
    return welcome(request, account, JsonResponse({"url": finish(request, device, "passkey")}))


@require_POST
@staff_page()
def begin_confirm(request: HttpRequest) -> HttpResponse:
    return ask(request, "confirm", *passkeys.begin_check(account=account_of(request)))


@require_POST
@staff_page()
def complete_confirm(request: HttpRequest) -> HttpResponse:
    try:
        state, answer = answered(request, "confirm")
        passkeys.check_passkey(
            account=account_of(request), state=state, answer=answer, now=timezone.now()
        )
    except PasskeyRefused as refusal:
        return refused(refusal)
    confirm_again(request)
    return JsonResponse({"url": safe_next(request, request.GET.get("next", "")) or "/"})
