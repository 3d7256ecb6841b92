"""What goes wrong, as application/problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.response import Response

from forms_intake.public.refusals import Refusal, refusal_of, retry_after
from forms_intake.submissions import Invalid

MEDIA_TYPE = "application/problem+json"


def answer_of(error: Exception) -> Response:
    """Return the answer for a refused submission; every wrong field is named."""
    response = _problem(refusal_of(error))
    if isinstance(error, Invalid):
        response.data["errors"] = [
            {"field": each.field, "code": each.code, "message": str(each.message)}
            for each in error.errors
        ]
    if (seconds := retry_after(error)) is not None:
        response["Retry-After"] = str(seconds)
    return response


def not_found() -> Response:
    return _problem(Refusal(404, "not_found", _("There is no such form, or it is not open.")))


def _problem(refusal: Refusal) -> Response:
    document: dict[str, Any] = {
        "type": f"urn:accord:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": str(refusal.sentence),
        "code": refusal.code,
    }
    return Response(document, status=refusal.status, content_type=MEDIA_TYPE)
