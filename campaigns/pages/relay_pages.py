"""The relays: how they are, how fast they may be, and taking one out by hand. Nobody's data."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.models import Relay
from campaigns.pages.relay_forms import LimitsForm, RelayForm, initial_of
from campaigns.relays import changing, overview
from campaigns.relays.addresses import relay_urls
from campaigns.relays.mail_services import MAIL_SERVICES, UNIT_FIELDS, service_limits
from crm.services import account_of, staff_page

# Whoever waits for a campaign sees why; whoever runs the mail servers sets how fast.
READERS = ("marketing", "communication", "operations", "dsi")
PAUSERS = ("marketing", "operations", "dsi")
SETTERS = ("operations", "dsi")

STATES: Mapping[str, tuple[str | Promise, str]] = {
    "closed": (gettext_lazy("Works"), "green"),
    "open": (gettext_lazy("Out for a while"), "red"),
    "half_open": (gettext_lazy("Being tried"), "orange"),
    "paused": (gettext_lazy("Paused by hand"), "secondary"),
}
FAILURES: Mapping[str, str | Promise] = {
    "unreachable": gettext_lazy("It does not answer, or the connection breaks."),
    "busy": gettext_lazy("It says that it takes no mail now."),
    "sender_refused": gettext_lazy("It takes no mail from our sender."),
}
UNITS: Mapping[str, str | Promise] = {
    "second": gettext_lazy("in a second"),
    "minute": gettext_lazy("in a minute"),
    "hour": gettext_lazy("in an hour"),
    "day": gettext_lazy("in 24 hours"),
    "warm_up": gettext_lazy("today, warming up"),
}
CHANGES: Mapping[str, str | Promise] = {
    "paused": gettext_lazy("paused"),
    "resumed": gettext_lazy("brought back"),
    "changed": gettext_lazy("changed"),
}


@require_safe
@staff_page(*READERS)
def relay_list(request: HttpRequest) -> HttpResponse:
    role, at = account_of(request).role, timezone.now()
    lines = [
        (line, *STATES[line.state], FAILURES.get(line.relay.failure, ""), _named(line.uses))
        for line in overview.relay_lines(at)
    ]
    services = [
        (line, [(count, UNITS[unit]) for unit, count in line.limits])
        for line in overview.service_lines(at)
    ]
    context = {
        "lines": lines,
        "services": services,
        "changes": [
            (each, CHANGES[each.what], _details(each.detail)) for each in overview.last_changes()
        ],
        "may_pause": role in PAUSERS,
        "may_set": role in SETTERS,
    }
    return render(request, "campaigns/relays.html", context)


def _details(detail: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    fields = RelayForm.base_fields
    return [(fields[name].label if name in fields else name, detail[name]) for name in detail]


def _named(uses: Any) -> list[tuple[Any, str | Promise]]:
    return [(use, UNITS[use.unit]) for use in uses]


@require_POST
@staff_page(*PAUSERS)
def relay_pause(request: HttpRequest, code: str) -> HttpResponse:
    return _enable(request, code, is_enabled=False)


@require_POST
@staff_page(*PAUSERS)
def relay_resume(request: HttpRequest, code: str) -> HttpResponse:
    return _enable(request, code, is_enabled=True)


def _enable(request: HttpRequest, code: str, *, is_enabled: bool) -> HttpResponse:
    actor, now = account_of(request).id, timezone.now()
    try:
        changing.set_enabled(code=code, is_enabled=is_enabled, actor_id=actor, now=now)
    except changing.NoSuchRelay:
        raise Http404 from None
    said = _("The relay carries mail again.") if is_enabled else _("The relay is paused.")
    messages.success(request, said)
    return redirect("relay-list")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*SETTERS)
def relay_edit(request: HttpRequest, code: str) -> HttpResponse:
    if code not in relay_urls():
        raise Http404
    relay = Relay.objects.filter(code=code).first() or overview.fresh(code)
    form = RelayForm(request.POST or None, initial=initial_of(relay))
    if request.method == "POST" and form.is_valid():
        actor, now = account_of(request).id, timezone.now()
        changing.change_relay(code=code, values=form.cleaned_data, actor_id=actor, now=now)
        messages.success(request, _("The relay is changed. It holds from the next batch on."))
        return redirect("relay-list")
    context = {"form": form, "title": _("Relay %(code)s") % {"code": code}, "is_relay": True}
    status = 422 if form.errors else 200
    return render(request, "campaigns/relay_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*SETTERS)
def mail_service_edit(request: HttpRequest, service: str) -> HttpResponse:
    if service not in MAIL_SERVICES:
        raise Http404
    limits = service_limits()[service]
    initial = {name: limits.get(unit) for unit, name in UNIT_FIELDS.items()}
    form = LimitsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        actor, now = account_of(request).id, timezone.now()
        changing.change_service(service=service, values=form.cleaned_data, actor_id=actor, now=now)
        messages.success(request, _("The limits are changed. They hold from the next batch on."))
        return redirect("relay-list")
    context = {"form": form, "title": MAIL_SERVICES[service].name, "is_relay": False}
    status = 422 if form.errors else 200
    return render(request, "campaigns/relay_edit.html", context, status=status)
