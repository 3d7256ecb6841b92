"""What the staff side says when it cannot answer: never a name, never what was asked."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from crm.problems import problem


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


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    title = _("This form is out of date")
    text = _("Go back, load the page again and send it once more. Nothing was changed.")
    return _answer(request, 403, title, text, "hourglass")


def failed(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: whatever broke may break its context too."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _unreachable()
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
