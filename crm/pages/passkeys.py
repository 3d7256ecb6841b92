"""One's own passkeys: made, named, removed; each after the second factor was shown again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_otp_webauthn.models import WebAuthnCredential

from crm.access import account_of, staff_page
from crm.accounts import passkeys
from crm.accounts.ceremonies import answered, ask, refused
from crm.accounts.forms import PasskeyNameForm
from crm.accounts.passkeys import LastFactor, PasskeyRefused, TooManyPasskeys


@require_safe
@staff_page(needs_step_up=True)
def passkey_new(request: HttpRequest) -> HttpResponse:
    context = {"form_of_passkey": PasskeyNameForm(), "is_possible": passkeys.are_possible()}
    return render(request, "crm/account/passkey_new.html", context)


@require_POST
@staff_page(needs_step_up=True)
def passkey_begin(request: HttpRequest) -> HttpResponse:
    try:
        return ask(request, "register", *passkeys.begin_registration(account=account_of(request)))
    except TooManyPasskeys:
        text = _("You have ten passkeys, which is the most. Remove one first.")
        return JsonResponse({"detail": text}, status=409)


@require_POST
@staff_page(needs_step_up=True)
def passkey_complete(request: HttpRequest) -> HttpResponse:
    try:
        state, answer = answered(request, "register")
        form = PasskeyNameForm({"name": answer.pop("name", "")})
        if not form.is_valid():
            return JsonResponse({"detail": form.errors["name"][0]}, status=422)
        passkeys.register_passkey(
            account=account_of(request),
            state=state,
            answer=answer,
            name=form.cleaned_data["name"],
            now=timezone.now(),
        )
    except PasskeyRefused as refusal:
        return refused(refusal)
    messages.success(request, _("The passkey is yours: use it at the next sign-in."))
    return JsonResponse({"url": reverse("account")})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(needs_step_up=True)
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    mine = account_of(request)
    passkey = WebAuthnCredential.objects.filter(user=mine, pk=passkey_id).first()
    if passkey is None:
        raise Http404
    if request.method == "POST":
        try:
            passkeys.remove_passkey(account=mine, passkey_id=passkey_id, now=timezone.now())
            messages.success(request, _("The passkey is removed."))
        except LastFactor:
            messages.error(request, _("It is your only second factor: add another one first."))
        return redirect("account")
    return render(request, "crm/account/passkey_remove.html", {"passkey": passkey})
