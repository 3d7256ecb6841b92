"""Public pages on which a person decides. They hold no key and no name.

GET and HEAD never change anything: mail scanners follow every link of every message (RFC 8058 3.1
asks for POST for that reason). A POST drops a sealed decision and answers at once; the worker
verifies the link and gives it effect.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from consent.cards import card_hash
from consent.decisions import KIND
from consent.models import PreferenceCard
from privacy.services import (
    IntakeClosed,
    InvalidAddress,
    NotOurLink,
    TooLarge,
    card_of_link,
    drop_envelope,
    has_link_shape,
    normalise_email,
    on_intake,
)

logger = logging.getLogger("consent.public")
View = Callable[[HttpRequest, str], HttpResponse]
BY_LINK_METHODS = ["GET", "HEAD", "POST"]


def _page(view: View) -> View:
    """The frame of every page here: known shape of token, a clear answer when intake is closed."""

    @wraps(view)
    @require_http_methods(BY_LINK_METHODS)
    def framed(request: HttpRequest, token: str) -> HttpResponse:
        try:
            if not has_link_shape(token=token):
                return _by_address(request)
            response = view(request, token)
        except (IntakeClosed, TooLarge, OperationalError, InterfaceError):
            logger.error("a decision could not be kept")
            response = render(request, "consent/closed.html", status=503)
            response["Retry-After"] = "60"
        response["Cache-Control"] = "no-store"
        return response

    return framed


def _decide(action: str, **document: object) -> UUID:
    number = uuid4()
    drop_envelope(
        kind=KIND,
        context=action,
        envelope_id=number,
        document={"action": action, "language": translation.get_language() or "fr", **document},
        now=datetime.now(UTC),
    )
    return number


def _by_address(request: HttpRequest) -> HttpResponse:
    """The link is cut or altered: the person can still say no, by their address."""
    if request.method != "POST" or "email" not in request.POST:
        return render(request, "consent/by_address.html", status=404)
    try:
        address = normalise_email(request.POST["email"])
    except InvalidAddress as error:
        context = {"error": str(error), "typed": request.POST["email"]}
        return render(request, "consent/by_address.html", context, status=422)
    _decide("by_address", email=address)
    return render(request, "consent/done.html", {"what": "by_address"})


@_page
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: a POST ends the subscription at once, without redirect or cookie."""
    if request.method != "POST":
        return render(request, "consent/one_click.html", {"token": token})
    if "undo" in request.POST:
        _decide("undo", token=token, decision=request.POST["undo"][:36])
        return render(request, "consent/done.html", {"what": "undo"})
    is_everything = request.POST.get("scope") == "everything"
    number = _decide("opt_out", token=token, everything=is_everything)
    return render(
        request, "consent/done.html", {"what": "opt_out", "decision": number, "token": token}
    )


@_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "consent/confirm.html", {"token": token})
    _decide("confirm", token=token)
    return render(request, "consent/done.html", {"what": "confirm"})


@_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    items = _items(token)
    if request.method != "POST":
        return render(request, "consent/preferences.html", {"items": items, "token": token})
    if request.POST.get("everything") == "no":
        _decide("preferences", token=token, everything="no")
        chosen = {str(item["purpose"]): "no" for item in items}
    else:
        chosen = _chosen(request)
        _decide("preferences", token=token, choices=chosen)
    context = {"items": _as_chosen(items, chosen), "token": token, "is_saved": True}
    return render(request, "consent/preferences.html", context)


def _chosen(request: HttpRequest) -> dict[str, str]:
    prefix = "choice-"
    return {
        name.removeprefix(prefix)[:40]: "yes" if value == "yes" else "no"
        for name, value in request.POST.items()
        if name.startswith(prefix)
    }


def _items(token: str) -> list[dict[str, object]]:
    """The lines of the card, in the page's language; none when the card is not known (any more)."""
    try:
        held = PreferenceCard.objects.filter(card_hash=card_hash(card_of_link(token=token)))
        card = on_intake(held.first)
    except NotOurLink:
        card = None
    language = "fr" if translation.get_language() == "fr" else "en"
    return [
        {
            **item,
            "title": item["title"][language],
            "description": item["description"][language],
            "since": datetime.fromisoformat(item["since"]),
        }
        for item in (card.document["items"] if card else [])
    ]


def _as_chosen(items: list[dict[str, object]], chosen: dict[str, str]) -> list[dict[str, object]]:
    return [
        {**item, "is_permitted": chosen.get(str(item["purpose"])) == "yes"}
        if item["purpose"] in chosen
        else item
        for item in items
    ]
