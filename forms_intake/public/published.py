"""The published forms, as the public process reads them."""

import time
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from forms_intake.models import PublishedForm
from privacy.services import IntakeClosed, on_intake

Document = dict[str, Any]
# What each form was when it was last read: with it an outage can be answered on the form itself.
_LAST_READ: dict[str, tuple[float, Document]] = {}


def published_form(*, code: str) -> Document | None:
    """Return the document of a form, None when it is not public; raises IntakeClosed.

    What was read is good for INTAKE_MEMORY_SECONDS. While the database is out of reach the last
    document that this process read is returned, so that what a person typed can be shown to them
    again.
    """
    read_at, document = _LAST_READ.get(code, (0.0, None))
    if document is not None and time.monotonic() - read_at < settings.INTAKE_MEMORY_SECONDS:
        return document
    try:
        row = on_intake(PublishedForm.objects.filter(code=code).only("document").first)
    except (OperationalError, InterfaceError) as error:
        if document is not None:
            return document
        raise IntakeClosed(IntakeClosed.__doc__) from error
    if row is None:
        _LAST_READ.pop(code, None)
        return None
    _LAST_READ[code] = time.monotonic(), row.document
    found: Document = row.document
    return found


def language_of(document: Document, wanted: str | None) -> str:
    """Return the language to show a form in: the wanted one, else the form's first."""
    short = (wanted or "")[:2]
    found: str = short if short in document["languages"] else document["languages"][0]
    return found
