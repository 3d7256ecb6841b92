"""The product's two web processes with pages that fail while they handle a person's value."""

import logging
import os
import threading
import warnings
from collections.abc import Callable
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt

_IS_PUBLIC = os.environ["ACCORD_PROCESS"] == "public"
_ALIAS = "intake" if _IS_PUBLIC else "default"


def _crash(value: str) -> None:
    local = {"email": value}
    try:
        raise KeyError(value)  # noqa: TRY301
    except KeyError as error:
        raise RuntimeError(f"could not handle {local}") from error


def _row(value: str) -> None:
    """The database refuses a row and quotes it."""
    table = "privacy_envelope (id, kind, context)" if _IS_PUBLIC else "crm_tag (slug, title)"
    values = "NULL, 'lead', %s" if _IS_PUBLIC else "NULL, %s"
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES ({values})", [value[:60]])


def _cast(value: str) -> None:
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute("SELECT %s::uuid", [value])


def _speak(value: str) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("some.library").log(level, "met %s", value)
        logging.getLogger("some.library").log(level, f"met {value}")
    warnings.warn(f"met {value}", stacklevel=1)


def _in_a_thread(value: str) -> None:
    thread = threading.Thread(target=_crash, args=(value,))
    thread.start()
    thread.join()


def _raise(kind: type[Exception]) -> Callable[[str], None]:
    def fail(value: str) -> None:
        raise kind(value)

    return fail


FAULTS: dict[str, Callable[[str], None]] = {
    "crash": _crash,
    "row": _row,
    "cast": _cast,
    "speak": _speak,
    "thread": _in_a_thread,
    "forbidden": _raise(PermissionDenied),
    "bad": _raise(BadRequest),
    "suspicious": _raise(SuspiciousOperation),
    "missing": _raise(Http404),
}


@csrf_exempt
def fault(request: HttpRequest, kind: str) -> HttpResponse:
    FAULTS[kind](request.POST["value"])
    return HttpResponse("nothing happened")


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
django.setup()
urls = import_module("deploy.urls_public" if _IS_PUBLIC else "deploy.urls_staff")
if not _IS_PUBLIC:
    handler403, handler404 = urls.handler403, urls.handler404
    handler500 = urls.handler500
urlpatterns: list[URLPattern | URLResolver] = [
    path("fault/<str:kind>", fault),
    *urls.urlpatterns,
]
settings.ROOT_URLCONF = __name__
application = import_module("deploy.wsgi").application
