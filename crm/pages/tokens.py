"""One's own tokens of the staff API: made, shown once, revoked."""

from datetime import timedelta
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from crm.access import account_of, staff_page
from crm.accounts import tokens
from crm.accounts.tokens import NotGivable, TooManyTokens
from crm.free_text import FreeTextField
from crm.models import Account, ApiToken
from crm.pages import SCOPES, TOKEN_MAKERS

_SCOPE_WORDS = {
    "permissions:read": gettext_lazy("What a contact may be reached for, and why"),
    "records:read": gettext_lazy("Every record of a contact's consent"),
    "proofs:read": gettext_lazy("Proof packs"),
    "leads:read": gettext_lazy("Leads: who wrote, what, and how far it is"),
    "messages:send": gettext_lazy("Send transactional messages from a template"),
}
_DAYS = (30, 90, 180, 365)
SHOWN = 50


class TokenForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("What will use it, for example: nightly export of permissions."),
        widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    networks = FreeTextField(
        label=gettext_lazy("From these networks only"),
        max_length=2000,
        help_text=gettext_lazy("One a line, each inside of the networks of the staff side."),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3}),
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("It works for"),
        coerce=int,
        choices=[(days, gettext_lazy("%d days") % days) for days in _DAYS],
        initial=90,
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(self, *args: object, account: Account) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        allowed = [scope for scope, roles in SCOPES.items() if account.role in roles]
        choices = [(scope, _SCOPE_WORDS[scope]) for scope in allowed]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]
        self.fields["networks"].initial = "\n".join(map(str, settings.STAFF_NETWORKS))

    def clean_networks(self) -> list[str]:
        try:
            return tokens.read_networks(self.cleaned_data["networks"])
        except NotGivable:
            text = _("Write networks such as %s, inside of those of the staff side.")
            raise forms.ValidationError(text % settings.STAFF_NETWORKS[0]) from None


@require_safe
@staff_page(*TOKEN_MAKERS)
def token_list(request: HttpRequest) -> HttpResponse:
    rows = ApiToken.objects.filter(account=account_of(request)).order_by("-created_at")[:SHOWN]
    tokens_shown = [(row, [(scope, _SCOPE_WORDS[scope]) for scope in row.scopes]) for row in rows]
    context = {"tokens": tokens_shown, "now": timezone.now()}
    return render(request, "crm/account/tokens.html", context)


@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*TOKEN_MAKERS, needs_step_up=True)
def token_new(request: HttpRequest) -> HttpResponse:
    mine = account_of(request)
    form = TokenForm(request.POST or None, account=mine)
    if request.method == "POST" and form.is_valid():
        now, fields = timezone.now(), form.cleaned_data
        days = timedelta(days=fields.pop("days"))
        try:
            token = tokens.make_token(account=mine, expires_at=now + days, now=now, **fields)
        except TooManyTokens:
            form.add_error(None, _("You have twenty tokens that work. Revoke one first."))
        else:
            context = {"token": token, "name": fields["name"]}
            return render(request, "crm/account/token_shown.html", context)
    return render(request, "crm/account/token_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*TOKEN_MAKERS, needs_step_up=True)
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    mine = account_of(request)
    row = ApiToken.objects.filter(account=mine, id=token_id).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        tokens.revoke_token(account=mine, token_id=token_id, now=timezone.now())
        messages.success(request, _("The token is revoked."))
        return redirect("token-list")
    return render(request, "crm/account/token_revoke.html", {"token": row})
