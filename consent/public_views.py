"""Public pages on which a person decides. They hold no key and no name.

GET and HEAD never change anything: mail scanners follow every link of every message (RFC 8058 3.1
asks for POST for that reason). A POST drops a sealed decision and answers at once; the worker
verifies the link and gives it effect.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent.decisions import KIND
from consent.public_cards import Card, card_behind, is_card_known, terms_shown
from consent.wishes import FREQUENCIES_DAYS, PAUSES_MONTHS
from privacy.services import (
    IntakeClosed,
    InvalidAddress,
    SlidingWindow,
    TooLarge,
    TooMany,
    drop_envelope,
    has_link_shape,
    network_of,
    normalise_email,
)

logger = logging.getLogger("consent.public")
View = Callable[..., HttpResponse]
METHODS = ["GET", "HEAD", "POST"]
# Anybody can type any address: one network may not type thousands of them.
_TYPED_ADDRESSES = SlidingWindow()


def _page(view: View) -> View:
    """The frame of every page here: its methods, and a clear answer when intake is closed."""

    @wraps(view)
    @require_http_methods(METHODS)
    def framed(request: HttpRequest, **named: str) -> HttpResponse:
        try:
            response = view(request, **named)
        except (IntakeClosed, TooLarge, OperationalError, InterfaceError):
            logger.error("a decision could not be kept")
            response = render(request, "consent/closed.html", status=503)
            response["Retry-After"] = "60"
        response["Cache-Control"] = "no-store"
        return response

    return framed


def _link_page(view: View) -> View:
    """The frame of a page behind a link. One that was cut still lets people say no."""

    @_page
    @wraps(view)
    def framed(request: HttpRequest, token: str) -> HttpResponse:
        return view(request, token) if has_link_shape(token=token) else _say_no_by_address(request)

    return framed


def _language() -> str:
    return "en" if translation.get_language() == "en" else "fr"


def _decide(action: str, *, now: datetime | None = None, **document: object) -> UUID:
    number = uuid4()
    drop_envelope(
        kind=KIND,
        context=action,
        envelope_id=number,
        document={"action": action, "language": _language(), **document},
        now=now or datetime.now(UTC),
    )
    return number


# --- by address ------------------------------------------------------------------------------


@_page
def by_address(request: HttpRequest) -> HttpResponse:
    """The page for whoever has no link that works; the same answer for every address."""
    return _say_no_by_address(request, status=200)


def _say_no_by_address(request: HttpRequest, *, status: int = 404) -> HttpResponse:
    context: dict[str, Any] = {"is_broken_link": status != 200}
    if request.method != "POST" or "email" not in request.POST:
        return render(request, "consent/by_address.html", context, status=status)
    try:
        address = normalise_email(request.POST["email"])
        now = datetime.now(UTC)
        _TYPED_ADDRESSES.hit(network_of(request), limit=settings.FORMS_PER_NETWORK, now=now)
    except InvalidAddress:
        sentence = _("Enter an e-mail address such as name@example.org.")
        context |= {"error": sentence, "typed": request.POST["email"]}
        return render(request, "consent/by_address.html", context, status=422)
    except TooMany as error:
        context |= {"is_too_many": True, "typed": request.POST["email"]}
        response = render(request, "consent/by_address.html", context, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    _decide("by_address", email=address)
    return render(request, "consent/done.html", {"what": "by_address"})


# --- with one press --------------------------------------------------------------------------


@_link_page
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: a POST ends the subscription at once, without redirect or cookie."""
    if request.method != "POST":
        context = {"token": token, "is_known": is_card_known(token)}
        return render(request, "consent/one_click.html", context)
    if "undo" in request.POST:
        return _undo(request, token, "opt_out")
    is_everything = request.POST.get("scope") == "everything"
    number = _decide("opt_out", token=token, everything=is_everything)
    context = {
        "what": "everything" if is_everything else "opt_out",
        "decision": number,
        "token": token,
        "is_known": _is_known_after_all(token),
    }
    return render(request, "consent/done.html", context)


def _is_known_after_all(token: str) -> bool:
    """The "no" is kept already: a database that fails now must not make it look lost."""
    try:
        return is_card_known(token)
    except (OperationalError, InterfaceError):
        return True


def _undo(request: HttpRequest, token: str, page: str) -> HttpResponse:
    _decide("undo", token=token, page=page, decision=request.POST.get("undo", "")[:36])
    return render(request, "consent/done.html", {"what": "undo", "token": token})


@_link_page
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the letter that follows a "no" by address."""
    if request.method != "POST":
        return render(request, "consent/undo.html", {"token": token})
    return _undo(request, token, "letter")


@_link_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "consent/confirm.html", {"token": token})
    _decide("confirm", token=token)
    return render(request, "consent/done.html", {"what": "confirm", "token": token})


# --- the preference page ---------------------------------------------------------------------


@_link_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    now = datetime.now(UTC)
    if request.method == "POST" and "undo" in request.POST:
        return _undo(request, token, "preferences")
    card = card_behind(token, language=_language(), now=now)
    saved = _save(request, token, card, now) if request.method == "POST" else {}
    context = {
        "token": token,
        "terms": terms_shown(_language()),
        "frequencies": FREQUENCIES_DAYS,
        "pauses": PAUSES_MONTHS,
        "card": card,
        **saved,
    }
    return render(request, "consent/preferences.html", context)


def _save(request: HttpRequest, token: str, card: Card, now: datetime) -> dict[str, object]:
    """Drop the decision; return what the page then shows: the choice itself, at once."""
    if request.POST.get("everything") == "no":
        number = _decide("preferences", now=now, token=token, everything="no")
        answers = {item.name: "no" for item in card.items}
        after = card.after(answers, {}, at=now)
        return {"card": after, "saved": "everything", "decision": number}
    answers = _answers(request)
    wishes = {name: request.POST.get(name, "")[:4] for name in ("frequency", "pause")}
    shown = request.POST.get("notice", "")[:36]
    _decide("preferences", now=now, token=token, choices=answers, notice=shown, **wishes)
    after = card.after(_by_channel(answers, card), wishes, at=now)
    recorded = [item for item in after.items if item.name in _by_channel(answers, card)]
    return {
        "card": after,
        "saved": "choices",
        "recorded": recorded,
        "is_wish": any(wishes.values()),
    }


def _answers(request: HttpRequest) -> dict[str, str]:
    prefix = "choice-"
    return {
        name.removeprefix(prefix)[:50]: "yes" if value == "yes" else "no"
        for name, value in request.POST.items()
        if name.startswith(prefix)
    }


def _by_channel(answers: dict[str, str], card: Card) -> dict[str, str]:
    """A page that was opened before purposes were asked by channel names the purpose alone."""
    return {
        item.name: answers.get(item.name) or answers[item.purpose]
        for item in card.items
        if item.name in answers or item.purpose in answers
    }
