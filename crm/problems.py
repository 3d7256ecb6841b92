"""What an address for machines says when it does not answer: RFC 9457, and nothing of anybody."""

from collections.abc import Mapping
from http import HTTPStatus

from django.http import JsonResponse


def problem(
    status: HTTPStatus, code: str, *, more: Mapping[str, object] | None = None, **headers: str
) -> JsonResponse:
    """Return application/problem+json with the status, its name and a code of ours.

    `more` are members of an address of its own: codes and names of fields.
    """
    body = {
        **(more or {}),
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
    }
    answer = JsonResponse(body, status=status, content_type="application/problem+json")
    for name, value in headers.items():
        answer[name.replace("_", "-")] = value
    return answer
