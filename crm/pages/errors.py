"""What the staff side says when it cannot answer: never a name, never what was asked."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.problems import problem
from privacy.services import KeysLost, TooManyReads


def _answer(request: HttpRequest, status: int, title: str, text: str, icon: str) -> HttpResponse:
    context = {"title": title, "text": text, "icon": icon, "status": status}
    return render(request, "crm/error.html", context, status=status)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    title = _("This page is not for your role")
    text = _("If you need it for your work, ask the administrator of accounts.")
    return _answer(request, 403, title, text, "lock")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    is_browser = "text/html" in request.headers.get("Accept", "")
    if request.path.startswith("/api/") and not is_browser:
        return problem(HTTPStatus.NOT_FOUND, "not_found")
    title = _("There is no such page")
    text = _("It may have been moved, archived or erased.")
    return _answer(request, 404, title, text, "search")


def too_many_reads(request: HttpRequest, refusal: TooManyReads) -> HttpResponse:
    """The account has read as many people as its limit allows."""
    until = timezone.localtime(refusal.until)
    title = _("You have opened as many people as one account may")
    text = _(
        "It goes on at %(until)s. If your work needs more today, ask the data protection officer:"
        " two people can agree to it."
    ) % {"until": date_format(until, "j F H:i")}
    response = _answer(request, 429, title, text, "hourglass")
    response["Retry-After"] = str(max(1, round((refusal.until - timezone.now()).total_seconds())))
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    title = _("This form is out of date")
    text = _("Go back, load the page again and send it once more. Nothing was changed.")
    return _answer(request, 403, title, text, "hourglass")


def failed(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: whatever broke may break its context too."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _unreachable()
    if isinstance(sys.exc_info()[1], KeysLost):
        return _keys_lost()
    context = {
        "title": _("Something went wrong on our side"),
        "text": _("Nothing that you sent is lost if it was confirmed. Please try again later."),
        "icon": "alert-triangle",
        "status": 500,
    }
    return HttpResponse(render_to_string("crm/error.html", context), status=500)


def _unreachable() -> HttpResponse:
    """A database is away: the one failure that a person can simply wait for."""
    context = {
        "title": _("Our data cannot be reached at the moment"),
        "text": _("Nothing was changed. Load the page again in a minute."),
        "icon": "database",
        "status": 503,
    }
    page = render_to_string("crm/error.html", context)
    return HttpResponse(page, status=503, headers={"Retry-After": "60"})


def _keys_lost() -> HttpResponse:
    """Writing has stopped so that what is lost can be put back: `manage.py keys audit`."""
    context = {
        "title": _("Nothing can be changed at the moment"),
        "text": _(
            "Some keys of our data are missing. Until they are back, pages can be read but nothing"
            " is saved. Tell the information systems department; please try again later."
        ),
        "icon": "lock",
        "status": 503,
    }
    page = render_to_string("crm/error.html", context)
    return HttpResponse(page, status=503, headers={"Retry-After": "600"})
