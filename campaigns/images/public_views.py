"""Serves the pictures of mails: no cookie, no key, no note of who asked."""

import logging
import re

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from campaigns.images.encoding import TYPES
from campaigns.images.publishing import name_hash
from campaigns.models import PublishedImage
from privacy.services import on_intake

logger = logging.getLogger("campaigns.images")

_NAME = re.compile(r"[A-Za-z0-9_-]{22}(?:-600)?\.(?:jpg|png|gif)")
# What an address shows never changes: another picture has another address.
_FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def image(request: HttpRequest, name: str) -> HttpResponse:
    """A picture of the library, by its unguessable name."""
    if not _NAME.fullmatch(name):
        return _missing()
    try:
        row = on_intake(lambda: PublishedImage.objects.filter(name_hash=name_hash(name)).first())
    except (DatabaseError, InterfaceError):
        logger.error("a picture could not be looked up")
        return HttpResponse(status=503, headers={"Retry-After": "60", "Cache-Control": "no-store"})
    if row is None:
        return _missing()
    return HttpResponse(
        bytes(row.content),
        content_type=TYPES[row.extension],
        headers={
            "Cache-Control": _FOR_EVER,
            "Content-Disposition": "inline",
            # Web mail shows it from another site.
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def _missing() -> HttpResponse:
    # A picture is published some seconds after its upload: nobody remembers that it was not there.
    return HttpResponse(status=404, headers={"Cache-Control": "no-store"})
