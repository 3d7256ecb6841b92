"""The addresses that mail services post their events to. Nothing is read here, and no key is held.

The request is verified by anymail's own view, with the secret that was agreed with the service;
what is not verified is answered 400 and leaves nothing behind. What is, is kept sealed, and
answered only once it is on disk: a service that gets no 2xx tells it again.
"""

import json
import logging
from datetime import UTC, datetime

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.returns.arriving import keep
from campaigns.returns.services_told import NoSuchService, require_fresh, verifying_view
from privacy.services import IntakeClosed

logger = logging.getLogger("campaigns.returns")

# A batch of SendGrid's is at most 768 KB.
LARGEST = 1024 * 1024


@csrf_exempt  # the caller is no browser: it has no cookie, and shows a secret
@require_http_methods(["POST", "HEAD"])
def service_events(request: HttpRequest, service: str) -> HttpResponse:
    """Take the events of one service. HEAD is how some ask whether the address is there."""
    try:
        view = verifying_view(service)
    except NoSuchService:
        return HttpResponse(status=404)
    if request.method == "HEAD":
        return HttpResponse()
    content = request.read(LARGEST + 1)
    if len(content) > LARGEST:
        return HttpResponse(status=413)
    now = datetime.now(UTC)
    # Django's own limit is for forms; what it does for `body` is done here with ours.
    request._body = content
    try:
        _verify(view, request, content)
        require_fresh(service, content, now=now)
    except (AnymailError, ValueError):
        return HttpResponse(status=400)
    return _kept(service, content, request.content_type or "", now)


def _verify(view: object, request: HttpRequest, content: bytes) -> None:
    """Raises AnymailError or ValueError for what its service did not send, or is no JSON."""
    if request.content_type != "application/json":
        raise AnymailWebhookValidationFailure("events are JSON")
    if not isinstance(json.loads(content), dict | list):
        raise AnymailWebhookValidationFailure("events are objects")
    try:
        view.run_validators(request)  # type: ignore[attr-defined]
    except (TypeError, AttributeError, LookupError) as error:
        # Its validators expect the shape that the service sends.
        raise AnymailWebhookValidationFailure(type(error).__name__) from None


def _kept(service: str, content: bytes, content_type: str, now: datetime) -> HttpResponse:
    try:
        keep(
            source=service,
            content=content,
            facts={"content_type": content_type},
            now=now,
            largest=LARGEST,
        )
    except IntakeClosed:
        logger.error("events of a mail service could not be kept")
        return HttpResponse(status=503, headers={"Retry-After": "60"})
    return HttpResponse(status=204)
