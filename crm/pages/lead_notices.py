"""How the notifications of crm are shown by the bell."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.bell import register_notice_kind
from crm.pages import WEBHOOK_KEEPERS
from crm.shell import register_menu


def _lead(reference: Mapping[str, Any]) -> str:
    return reverse("lead", args=[reference["lead"]])


def _endpoint(reference: Mapping[str, Any]) -> str:
    return reverse("webhook", args=[reference["endpoint"]])


def register() -> None:
    """Safe to repeat."""
    register_notice_kind(
        kind="lead_reminder", label=_("It is time to come back to a lead"), icon="clock",
        address=_lead,
    )  # fmt: skip
    register_notice_kind(
        kind="lead_assigned", label=_("A lead was given to you"), icon="user-check", address=_lead
    )
    register_notice_kind(
        kind="webhook_disabled", label=_("A webhook is not called any more"), icon="alert-triangle",
        address=_endpoint,
    )  # fmt: skip
    register_menu(
        url_name="webhook-list", label=_("Webhooks"), icon="link", position=112,
        roles=WEBHOOK_KEEPERS,
    )  # fmt: skip
