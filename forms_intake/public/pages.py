"""The page of a form. It works without a script and sets no cookie."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from forms_intake.abuse import TRAP, Pace, Started, count_post
from forms_intake.client import evidence_of
from forms_intake.fields import FIELDS
from forms_intake.proof_of_work import check_proof
from forms_intake.public.published import language_of, published_form
from forms_intake.public.refusals import (
    CLOSED_RETRY_SECONDS,
    REFUSED,
    NotTheType,
    OriginNotAllowed,
    ShowAgain,
    TooQuick,
    refusal_of,
    retry_after,
)
from forms_intake.public.showing import Trouble, Typed, show
from forms_intake.submissions import (
    KIND,
    Incoming,
    Invalid,
    Stale,
    page_envelope_id,
    validate,
)
from privacy.services import IntakeClosed, TooLarge, drop_envelope, network_of

logger = logging.getLogger("forms_intake.public")
Document = dict[str, Any]
View = Callable[[HttpRequest, str], HttpResponse]
# Percent-encoding makes three bytes of one: an envelope of 16 KiB may come as 48.
PAGE_BODY_MAX = 48 * 1024
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def public_page(*methods: str) -> Callable[[View], View]:
    """The frame of every page here: its methods, nothing kept by a browser, intake closed."""

    def decorate(view: View) -> View:
        @wraps(view)
        @require_http_methods(list(methods))
        def framed(request: HttpRequest, code: str) -> HttpResponse:
            try:
                response = view(request, code)
            except IntakeClosed:
                logger.error("the form %s could not be read", code)
                response = _closed(request)
            response["Cache-Control"] = "no-store"
            return response

        return framed

    return decorate


def _closed(request: HttpRequest) -> HttpResponse:
    """Nothing of the form is known: give back what was typed, so that it can be copied."""
    is_read = _length(request) <= PAGE_BODY_MAX and request.content_type in _FORM_TYPES
    posted = request.POST if is_read else {}
    language = "fr" if translation.get_language() == "fr" else "en"
    typed = [(FIELDS[name].labels[language], posted[name]) for name in FIELDS if name in posted]
    response = render(request, "forms_intake/closed.html", {"typed": typed}, status=503)
    response["Retry-After"] = str(CLOSED_RETRY_SECONDS)
    return response


def gone(request: HttpRequest) -> HttpResponse:
    return render(request, "forms_intake/gone.html", status=404)


@public_page("GET", "HEAD", "POST")
def form(request: HttpRequest, code: str) -> HttpResponse:
    document = published_form(code=code)
    if document is None:
        return gone(request)
    now = datetime.now(UTC)
    if request.method == "POST":
        return _receive(request, document, now)
    language = language_of(document, translation.get_language())
    return show(request, document=document, language=language, now=now)


def _receive(request: HttpRequest, document: Document, now: datetime) -> HttpResponse:
    try:
        _check_readable(request)
        count_post(form=document["code"], network=network_of(request), now=now)
        # Whoever fills in what no person sees is told the same as everybody, and not kept.
        if not request.POST.get(TRAP):
            _keep(request, document, now)
    except REFUSED as error:
        return _show_again(request, document, now, error)
    return _thank(request, document)


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _check_readable(request: HttpRequest) -> None:
    if _length(request) > PAGE_BODY_MAX:
        raise TooLarge(TooLarge.__doc__)
    if request.content_type not in _FORM_TYPES:
        raise NotTheType(NotTheType.__doc__)


def _keep(request: HttpRequest, document: Document, now: datetime) -> None:
    via = "embed" if request.POST.get("via") == "embed" else "page"
    _check_origin(request, document, is_embedded=via == "embed")
    content = validate(document=document, incoming=_incoming(request, document, via))
    if via == "page":
        _check_pace(request, document, now)
    if document["has_proof_of_work"]:
        check_proof(proof=request.POST.get("altcha"), form=document["code"], now=now)
    drop_envelope(
        kind=KIND,
        context=document["code"],
        envelope_id=page_envelope_id(
            content=content, rendered=request.POST.get("submission", ""), now=now
        ),
        document=content,
        now=now,
    )


def _check_origin(request: HttpRequest, document: Document, *, is_embedded: bool) -> None:
    """Our own pages send "null" (their referrer policy says so), or their own origin."""
    origin = request.headers.get("Origin", "null")
    if is_embedded and origin in {"null", settings.PUBLIC_URL}:
        # An embedded form has no moment at which it was shown: its site answers for it, else
        # the person sends once more from here.
        raise ShowAgain(ShowAgain.__doc__)
    if origin not in {"null", settings.PUBLIC_URL, _own(request), *document["origins"]}:
        raise OriginNotAllowed(OriginNotAllowed.__doc__)


def _own(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _check_pace(request: HttpRequest, document: Document, now: datetime) -> None:
    started = Started(request.POST.get("started", ""))
    pace = started.pace(seconds=document["minimum_fill_seconds"], now=now)
    if pace is Pace.UNKNOWN:
        raise ShowAgain(ShowAgain.__doc__)
    if pace is Pace.TOO_QUICK:
        raise TooQuick(TooQuick.__doc__)


def _incoming(request: HttpRequest, document: Document, via: str) -> Incoming:
    posted = request.POST
    asked = [each["name"] for each in document["fields"]]
    return Incoming(
        fields={name: posted.get(name, "") for name in asked},
        consents=posted.getlist("consents"),
        objections=posted.getlist("objections"),
        language=posted.get("language"),
        form_version=posted.get("form_version"),
        notice={
            "id": posted.get("notice"),
            "version": posted.get("notice_version"),
            "language": posted.get("language"),
            "sha256": posted.get("notice_sha256"),
        },
        via=via,
        evidence=evidence_of(request),
    )


def _show_again(
    request: HttpRequest, document: Document, now: datetime, error: Exception
) -> HttpResponse:
    is_read = not isinstance(error, TooLarge | NotTheType) or _length(request) <= PAGE_BODY_MAX
    typed = _typed(request, document, error) if is_read else Typed()
    wanted = request.POST.get("language") if is_read else None
    trouble = Trouble(refusal_of(error), error.errors if isinstance(error, Invalid) else ())
    response = show(
        request,
        document=document,
        language=language_of(document, wanted or translation.get_language()),
        now=now,
        typed=typed,
        trouble=trouble,
    )
    if (seconds := retry_after(error)) is not None:
        response["Retry-After"] = str(seconds)
    if isinstance(error, IntakeClosed):
        logger.error("a submission of %s could not be kept", document["code"])
    return response


def _typed(request: HttpRequest, document: Document, error: Exception) -> Typed:
    """What changed is chosen again: a tick beside yesterday's words agrees to nothing."""
    posted = request.POST
    ticks = [*posted.getlist("consents"), *posted.getlist("objections")]
    is_timed = Started(posted.get("started", "")).text.isdecimal()
    return Typed(
        values={
            each["name"]: posted.get(each["name"], "").replace("\0", "")
            for each in document["fields"]
        },
        ticked=() if isinstance(error, Stale) else ticks,
        started=posted.get("started", "")[:12] if is_timed else "",
        submission=posted.get("submission", "")[:36],
    )


def _thank(request: HttpRequest, document: Document) -> HttpResponse:
    """The same for everybody, whether the address is known or not: nothing here could tell."""
    if document["redirect_url"]:
        return HttpResponse(status=303, headers={"Location": document["redirect_url"]})
    language = language_of(document, request.POST.get("language"))
    context = {
        "texts": document["texts"][language],
        "is_to_confirm": document["has_double_opt_in"] and bool(request.POST.getlist("consents")),
    }
    with translation.override(language):
        response = render(request, "forms_intake/thanks.html", context)
    response["Content-Language"] = language
    return response
