"""Webhooks: which other systems are told, their secrets, and the log of what was told."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.keyset import page_after, read_cursor
from crm.models import WebhookCall, WebhookEndpoint
from crm.pages import WEBHOOK_KEEPERS
from crm.pages.webhook_words import CALL_COLOURS, CALL_STATES, DISABLED, FAILURES, REFUSALS
from crm.webhooks import endpoints
from crm.webhooks.endpoints import EndpointUnknown, NotRepeatable, TooManyEndpoints
from crm.webhooks.guarding import URL_MAX, NotCallable, check_url
from crm.webhooks.publishing import KINDS


def _is_callable(url: str) -> None:
    try:
        check_url(url)
    except NotCallable as refusal:
        raise ValidationError(str(REFUSALS[str(refusal)])) from None


class EndpointForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("The system that is told, for example: billing."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    url = FreeTextField(
        label=gettext_lazy("Address"),
        max_length=URL_MAX,
        help_text=gettext_lazy("It begins with https:// and is reachable from the internet."),
        validators=[_is_callable],
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "url"}),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("It is told when"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": gettext_lazy("Choose at least one kind of event.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(kind, label) for kind, label in KINDS.items() if kind != endpoints.TEST]
        self.fields["kinds"].choices = offered  # type: ignore[attr-defined]


@require_safe
@staff_page(*WEBHOOK_KEEPERS)
def webhook_list(request: HttpRequest) -> HttpResponse:
    rows = [(row, DISABLED.get(row.disabled_reason, "")) for row in endpoints.endpoints()]
    return render(request, "crm/webhooks/list.html", {"endpoints": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
@staff_page(*WEBHOOK_KEEPERS, needs_step_up=True)
def webhook_new(request: HttpRequest) -> HttpResponse:
    """The secret is shown by the answer to the form, once."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint_id, secret = endpoints.create_endpoint(
                **form.cleaned_data, actor_id=account_of(request).id, now=timezone.now()
            )
        except TooManyEndpoints:
            form.add_error(None, _("There are as many webhooks as may be: remove one first."))
        else:
            return _shown(request, endpoint_id, secret)
    return _editor(request, form, None)


def _shown(request: HttpRequest, endpoint_id: UUID, secret: str) -> HttpResponse:
    context = {"endpoint": endpoints.endpoint_of(endpoint_id=endpoint_id), "secret": secret}
    return render(request, "crm/webhooks/secret.html", context)


def _editor(
    request: HttpRequest, form: EndpointForm, endpoint: WebhookEndpoint | None
) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint}
    status = 422 if form.errors else 200
    return render(request, "crm/webhooks/edit.html", context, status=status)


def _required(endpoint_id: UUID) -> WebhookEndpoint:
    try:
        return endpoints.endpoint_of(endpoint_id=endpoint_id)
    except EndpointUnknown:
        raise Http404 from None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WEBHOOK_KEEPERS, needs_step_up=True)
def webhook_edit(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    row = _required(endpoint_id)
    initial = {"name": row.name, "url": row.url, "kinds": row.kinds}
    form = EndpointForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        endpoints.change_endpoint(endpoint_id=endpoint_id, **form.cleaned_data)
        messages.success(request, _("The webhook is saved."))
        return redirect("webhook", endpoint_id)
    return _editor(request, form, row)


@require_safe
@staff_page(*WEBHOOK_KEEPERS)
def webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    row = _required(endpoint_id)
    cursor = read_cursor(request.GET.get("after", ""))
    calls = WebhookCall.objects.filter(endpoint=endpoint_id).select_related("event")
    page = page_after(calls.prefetch_related("tries"), moment="created_at", cursor=cursor, size=30)
    context = {
        "endpoint": row,
        "disabled": DISABLED.get(row.disabled_reason, ""),
        "kinds": [KINDS.get(kind, kind) for kind in row.kinds],
        "lines": [_line(call) for call in page.rows],
        "is_changing_over": bool(row.old_secret_until and row.old_secret_until > timezone.now()),
        "has_more": page.following is not None,
        "next_url": f"?after={page.following}",
        "first_url": request.path if cursor else "",
    }
    return render(request, "crm/webhooks/endpoint.html", context)


def _line(call: WebhookCall) -> dict[str, Any]:
    tries = sorted(call.tries.all(), key=lambda one: one.at)
    return {
        "call": call,
        "kind": KINDS.get(call.event.kind, call.event.kind),
        "state": CALL_STATES[call.state],
        "colour": CALL_COLOURS[call.state],
        "tries": [(one, FAILURES.get(one.failure, one.failure)) for one in tries],
    }


@require_POST
@sensitive_variables("secret")
@staff_page(*WEBHOOK_KEEPERS, needs_step_up=True)
def webhook_rotate(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    _required(endpoint_id)
    secret = endpoints.rotate_secret(endpoint_id=endpoint_id, now=timezone.now())
    return _shown(request, endpoint_id, secret)


@require_POST
@staff_page(*WEBHOOK_KEEPERS)
def webhook_test(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    _required(endpoint_id)
    try:
        endpoints.test_endpoint(endpoint_id=endpoint_id, now=timezone.now())
    except NotRepeatable:
        messages.warning(request, _("A webhook that is switched off is not called."))
    else:
        messages.success(request, _("The test is on its way; the log below says what came of it."))
    return redirect("webhook", endpoint_id)


@require_POST
@staff_page(*WEBHOOK_KEEPERS)
def webhook_switch(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Switch a webhook off, or on again."""
    _required(endpoint_id)
    if request.POST.get("to") == "on":
        endpoints.enable_endpoint(endpoint_id=endpoint_id)
        messages.success(request, _("The webhook is called again, of what happens from now on."))
    else:
        endpoints.disable_endpoint(endpoint_id=endpoint_id, now=timezone.now())
        messages.success(request, _("The webhook is switched off. What waited for it is dropped."))
    return redirect("webhook", endpoint_id)


@require_POST
@staff_page(*WEBHOOK_KEEPERS, needs_step_up=True)
def webhook_remove(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    _required(endpoint_id)
    endpoints.remove_endpoint(endpoint_id=endpoint_id, now=timezone.now())
    messages.success(request, _("The webhook is removed, with its secrets."))
    return redirect("webhook-list")


@require_POST
@staff_page(*WEBHOOK_KEEPERS)
def webhook_redeliver(request: HttpRequest, call_id: UUID) -> HttpResponse:
    call = get_object_or_404(WebhookCall.objects.only("endpoint"), id=call_id)
    try:
        endpoints.redeliver(call_id=call_id, now=timezone.now())
    except NotRepeatable:
        text = _("It is on its way already, or the webhook is switched off: switch it on first.")
        messages.warning(request, text)
    else:
        messages.success(request, _("It is told once more, under the same number."))
    return redirect("webhook", call.endpoint_id)
