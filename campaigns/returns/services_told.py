"""The mail services whose webhooks we take, and how each proves that it is the one.

anymail's own views verify and read. On the public side they verify, with a secret that opens
nothing of ours; in the worker they read, and verify nothing any more: what is in the intake table
was sealed by the public side after it had.
"""

import json
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

from anymail.exceptions import (
    AnymailInsecureWebhookWarning,
    AnymailNotSupportedWarning,
    AnymailWebhookValidationFailure,
)
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from django.conf import settings

# Name in the address -> the view, and the setting that its proof rests on.
_SERVICES: dict[str, tuple[Callable[..., AnymailBaseWebhookView], str]] = {
    "brevo": (BrevoTrackingWebhookView, "WEBHOOK_SECRET"),
    "postmark": (PostmarkTrackingWebhookView, "WEBHOOK_SECRET"),
    "mailgun": (MailgunTrackingWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "sendgrid": (SendGridTrackingWebhookView, "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"),
}
SERVICES = tuple(_SERVICES)
FRESH_SECONDS = 300


class NoSuchService(LookupError):
    """We take no webhook of this service: it is unknown, or nothing is set to verify it with."""


def verifying_view(name: str) -> AnymailBaseWebhookView:
    """Return the view that verifies requests of a service. Raises NoSuchService.

    A service that could not be verified is not taken at all.
    """
    if name not in _SERVICES or not settings.ANYMAIL.get(_SERVICES[name][1]):
        raise NoSuchService(NoSuchService.__doc__)
    # A signature proves more than a password: where there is one, no password is asked for.
    has_signature = _SERVICES[name][1] != "WEBHOOK_SECRET"
    return _made(name, {"webhook_secret": []} if has_signature else {})


def require_fresh(name: str, content: bytes, *, now: datetime) -> None:
    """Refuse a request of Mailgun whose signature was made more than five minutes away from `now`.

    It covers a moment and a one-time token, and not what is told: the moment bounds how long a
    request that somebody has read is of any use, and the worker remembers the tokens
    (`events.token_id`). The others sign what they tell, or show a password. Raises
    AnymailWebhookValidationFailure.
    """
    if name != "mailgun":
        return
    try:
        moment = int(json.loads(content)["signature"]["timestamp"])
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise AnymailWebhookValidationFailure(type(error).__name__) from None
    if abs(now.timestamp() - moment) > FRESH_SECONDS:
        raise AnymailWebhookValidationFailure("signed too long ago")


def reading_view(name: str) -> AnymailBaseWebhookView:
    """Return the view that reads events of a service, in the worker. Raises NoSuchService."""
    if name not in _SERVICES:
        raise NoSuchService(NoSuchService.__doc__)
    unused = {"mailgun": {"webhook_signing_key": "unused"}}
    return _made(name, unused.get(name, {}))


def _made(name: str, settings_of_it: dict[str, Any]) -> AnymailBaseWebhookView:
    with warnings.catch_warnings():
        # That SendGrid's module is not cared for any more is our concern, and stands in the docs.
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        warnings.simplefilter("ignore", AnymailInsecureWebhookWarning)
        return _SERVICES[name][0](**settings_of_it)
