"""Public pages of receipts: order one, read it, take it away. They hold no key and no name."""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import uuid4

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_POST, require_safe

from consent.attest import readable_bytes
from consent.models import PublicReceipt
from consent.receipt_words import BASES, CHANNELS, METHODS, STATES
from consent.receipts import KIND
from privacy.services import IntakeClosed, TooLarge, drop_envelope, has_link_shape, on_intake

logger = logging.getLogger("consent.public")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
# The worker takes a second; the page looks again for a minute, then says that there is nothing.
_LOOKS, _SECONDS = 30, 2


def _kept_answer(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Say so when the intake database is away; nothing of these pages may stay in a cache."""

    @wraps(view)
    def framed(request: HttpRequest, **parts: str) -> HttpResponse:
        try:
            response = view(request, **parts)
        except (IntakeClosed, TooLarge, OperationalError, InterfaceError):
            logger.error("a receipt could not be ordered or shown")
            response = render(request, "consent/closed.html", status=503)
            response["Retry-After"] = "60"
        response["Cache-Control"] = "no-store"
        return response

    return framed


@_kept_answer
@require_POST
def order(request: HttpRequest, token: str, scope: str) -> HttpResponse:
    """Seal an order under a key that only this browser is told, and lead to its page."""
    if not has_link_shape(token=token):
        return render(request, "consent/receipt_gone.html", status=404)
    key = secrets.token_urlsafe(32)
    drop_envelope(
        kind=KIND,
        context=scope,
        envelope_id=uuid4(),
        document={
            "scope": scope,
            "token": token,
            "key_hash": _hash(key).hex(),
            "language": _language(),
        },
        now=datetime.now(UTC),
    )
    # A GET of its own: to reload the page, or to print it, must not order another one.
    response = HttpResponseRedirect(reverse("receipt", args=[key]) + f"?lang={_language()}")
    response.status_code = 303
    return response


@_kept_answer
@require_safe
def receipt(request: HttpRequest, key: str) -> HttpResponse:
    row = _row(key)
    if row is None:
        return _not_there(request, key)
    context = {
        "lines": [_shown(line) for line in row.document["lines"]],
        "receipt": row.document["receipt"],
        "notices": [_notice(each) for each in _notices(row)],
        "key": key,
        "made_at": row.created_at,
        "expires_at": row.expires_at,
    }
    return render(request, "consent/receipt.html", context)


@_kept_answer
@require_safe
def receipt_file(request: HttpRequest, key: str) -> HttpResponse:
    row = _row(key)
    if row is None or row.document["receipt"] is None:
        return render(request, "consent/receipt_gone.html", status=404)
    response = HttpResponse(
        readable_bytes(row.document["receipt"]), content_type="application/ld+json"
    )
    response["Content-Disposition"] = 'attachment; filename="receipt.jsonld"'
    return response


def _not_there(request: HttpRequest, key: str) -> HttpResponse:
    """Not there yet, or not any more: the public side cannot tell, so it looks again for a while.

    By a header and not by a meta element: it is the same to a browser without JavaScript, and the
    page itself stays still for whoever reads it with a program (WCAG 2.2, failure F41).
    """
    looks = request.GET.get("looks", "0")
    count = int(looks) if looks.isdecimal() and len(looks) < 4 else 0
    if not _KEY.fullmatch(key) or count >= _LOOKS:
        return render(request, "consent/receipt_gone.html", status=404)
    again = reverse("receipt", args=[key]) + f"?lang={_language()}&looks={count + 1}"
    response = render(request, "consent/receipt_wait.html", {"again": again})
    response["Refresh"] = f"{_SECONDS}; url={again}"
    return response


def _row(key: str) -> PublicReceipt | None:
    if not _KEY.fullmatch(key):
        return None
    held = PublicReceipt.objects.filter(key_hash=_hash(key), expires_at__gt=datetime.now(UTC))
    return on_intake(held.first)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _language() -> str:
    return "en" if translation.get_language() == "en" else "fr"


def _notices(row: PublicReceipt) -> list[dict[str, Any]]:
    receipt: dict[str, Any] = row.document["receipt"] or {}
    return list(receipt.get("dpv:hasNotice", []))


def _notice(notice: dict[str, Any]) -> dict[str, Any]:
    """The names of JSON-LD have a colon, which a template cannot follow."""
    return {
        "code": notice["dct:identifier"],
        "version": notice["schema:version"],
        "issued": datetime.fromisoformat(notice["dct:issued"]),
        "language": notice["dct:language"],
        "text": notice["schema:text"]["@value"],
        "sha256": notice["accord:sha256"],
    }


def _shown(line: dict[str, Any]) -> dict[str, Any]:
    return {
        **line,
        "title": line["title"][_language()],
        "channel": CHANNELS.get(line["channel"], line["channel"]),
        "said": STATES.get(line["state"], line["state"]),
        "basis": BASES.get(line["basis"], line["basis"]),
        "method": METHODS.get(line["method"], line["method"]),
        "since": datetime.fromisoformat(line["since"]),
    }
