"""The published forms, as the public process reads them."""

from typing import Any

from django.db import InterfaceError, OperationalError

from forms_intake.models import PublishedForm
from privacy.services import IntakeClosed

Document = dict[str, Any]
# What each form was when it was last read: with it an outage can be answered on the form itself.
_LAST_READ: dict[str, Document] = {}


def published_form(*, code: str) -> Document | None:
    """Return the document of a form, None when it is not public; raises IntakeClosed.

    While the database is out of reach the last document that this process read is returned, so
    that what a person typed can be shown to them again.
    """
    try:
        row = PublishedForm.objects.filter(code=code).only("document").first()
    except (OperationalError, InterfaceError) as error:
        if code in _LAST_READ:
            return _LAST_READ[code]
        raise IntakeClosed(IntakeClosed.__doc__) from error
    if row is None:
        _LAST_READ.pop(code, None)
        return None
    _LAST_READ[code] = row.document
    return _LAST_READ[code]


def language_of(document: Document, wanted: str | None) -> str:
    """Return the language to show a form in: the wanted one, else the form's first."""
    short = (wanted or "")[:2]
    found: str = short if short in document["languages"] else document["languages"][0]
    return found
