"""What a measured mail asks for: a picture and redirects. No key, no name, no cookie.

The picture is the same for everybody and for ever, whatever the token: who has withdrawn cannot
be told from who has not. Only GET counts: scanners ask with HEAD.
"""

import logging
from functools import lru_cache

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns.measurement import CLICK, OPEN
from campaigns.measurement.links import link_hash
from campaigns.measurement.measured_mail import is_redirectable
from campaigns.measurement.noticing import NOTEBOOK, Sighting
from campaigns.models import PublishedLink
from privacy.services import MeasureLink, NotOurLink, claim_of_measure_link, on_intake

logger = logging.getLogger("campaigns.measurement")

# GIF89a, one transparent dot: 43 bytes.
PICTURE = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The picture of a measured mail."""
    _note(request, OPEN, token)
    return _unkept(HttpResponse(PICTURE, content_type="image/gif"))


@require_safe
def followed(request: HttpRequest, token: str) -> HttpResponse:
    """A link of a measured mail: on to the address that was frozen with the campaign."""
    try:
        url = _url_of(claim_of_measure_link(token=token))
    except (NotOurLink, LinkUnknown):
        return _unkept(render(request, "campaigns/link_gone.html", status=404))
    except (DatabaseError, InterfaceError):
        logger.error("a link could not be looked up")
        response = render(request, "campaigns/link_later.html", status=503)
        response["Retry-After"] = "60"
        return _unkept(response)
    _note(request, CLICK, token)
    return _unkept(HttpResponseRedirect(url))


def _note(request: HttpRequest, scope: str, token: str) -> None:
    if request.method != "GET":
        return
    try:
        claim_of_measure_link(token=token)
    except NotOurLink:
        return
    NOTEBOOK.note(Sighting(scope, token, timezone.localdate()))


def _unkept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    # The site at the other end does not learn which mail its visitor comes from.
    response["Referrer-Policy"] = "no-referrer"
    return response


class LinkUnknown(Exception):
    """No link of ours has this id, or it is not one that may be redirected to."""


def _url_of(link: MeasureLink) -> str:
    return _published(link_hash(link.link_id))


@lru_cache(maxsize=10_000)
def _published(key: bytes) -> str:
    """What a link leads to never changes; so it works from memory while `intake` is away."""
    row = on_intake(PublishedLink.objects.filter(link_hash=key).first)
    if row is None or not is_redirectable(row.url):
        raise LinkUnknown(LinkUnknown.__doc__)
    return row.url
