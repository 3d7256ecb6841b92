"""What the API looks like, for its readers: OpenAPI 3, and the public form of a form."""

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from forms_intake.public.problems import MEDIA_TYPE

Document = dict[str, Any]
URLS = "forms_intake.urls_public"
_HIDDEN = ("assessment", "number")


def public_form(document: Document) -> Document:
    """Return what a developer needs of a form: its questions, boxes, notices and addresses."""
    code = document["code"]
    shown = ("code", "version", "languages", "texts", "fields", "has_proof_of_work")
    return {
        **{name: document[name] for name in shown},
        "notices": {
            language: {name: value for name, value in each.items() if name != "earlier"}
            for language, each in document["notices"].items()
        },
        "purposes": [
            {name: value for name, value in each.items() if name not in _HIDDEN}
            for each in document["purposes"]
        ],
        "links": {
            "page": settings.PUBLIC_URL + reverse("form-page", args=[code]),
            "submissions": settings.PUBLIC_URL + reverse("form-submissions", args=[code]),
            "challenge": settings.PUBLIC_URL + reverse("form-challenge", args=[code]),
        },
    }


_PROBLEM_MEMBERS: dict[str, Any] = {
    "type": serializers.CharField(),
    "title": serializers.CharField(),
    "status": serializers.IntegerField(),
    "detail": serializers.CharField(),
    "code": serializers.CharField(),
}
_ERRORS = inline_serializer(
    "FieldError",
    {name: serializers.CharField() for name in ("field", "code", "message")},
    many=True,
    required=False,
)
_PROBLEM = inline_serializer("Problem", {**_PROBLEM_MEMBERS})
_INVALID = inline_serializer("InvalidProblem", {**_PROBLEM_MEMBERS, "errors": _ERRORS})


def _problems(**described: str) -> dict[tuple[int, str], OpenApiResponse]:
    return {
        (int(status.removeprefix("on_")), MEDIA_TYPE): OpenApiResponse(
            _INVALID if status == "on_422" else _PROBLEM, description=text
        )
        for status, text in described.items()
    }


_NOTICE = inline_serializer(
    "ShownNotice",
    {
        "id": serializers.UUIDField(),
        "version": serializers.IntegerField(),
        "language": serializers.CharField(),
        "sha256": serializers.CharField(),
    },
)
_BODY = inline_serializer(
    "Submission",
    {
        "language": serializers.CharField(),
        "form_version": serializers.IntegerField(),
        "notice": _NOTICE,
        "fields": serializers.DictField(child=serializers.CharField()),
        "consents": serializers.ListField(child=serializers.CharField(), required=False),
        "objections": serializers.ListField(child=serializers.CharField(), required=False),
        "altcha": serializers.CharField(required=False),
    },
)
_RECEIVED = inline_serializer(
    "Received", {"submission": serializers.UUIDField(), "status": serializers.CharField()}
)
SUBMIT: Document = {
    "operation_id": "submit",
    "tags": ["forms"],
    "summary": "Post an answer to a form",
    "description": "The answer is the same whether the address is known or not.",
    "request": _BODY,
    "parameters": [
        OpenApiParameter(
            "Idempotency-Key",
            OpenApiTypes.UUID,
            OpenApiParameter.HEADER,
            required=True,
            description="A new UUID per submission; the same one when you try again.",
        )
    ],
    "responses": {
        (202, "application/json"): OpenApiResponse(_RECEIVED, description="Sealed and kept."),
        **_problems(
            on_400="The body or the Idempotency-Key cannot be read.",
            on_403="The Origin is not one that the form allows.",
            on_404="There is no such form, or it is not open.",
            on_409="The form or its notice has changed: nothing was kept. Read it again.",
            on_413="The body is larger than 16 KiB.",
            on_415="The content type is not application/json.",
            on_422="A field, a box, the proof of work or the reuse of a key is wrong.",
            on_429="Too many submissions: see Retry-After.",
            on_503="The submission could not be kept: see Retry-After, and send it again.",
        ),
    },
}
FORM: Document = {
    "operation_id": "form",
    "tags": ["forms"],
    "summary": "Read what a form asks, says and needs",
    "description": "A submission repeats its version and the notice it shows.",
    "responses": {
        (200, "application/json"): OpenApiTypes.OBJECT,
        **_problems(on_404="There is no such form, or it is not open."),
    },
}
CHALLENGE: Document = {
    "operation_id": "challenge",
    "tags": ["forms"],
    "summary": "Ask for an ALTCHA proof-of-work challenge",
    "description": "One challenge serves one submission, for an hour.",
    "responses": {
        (200, "application/json"): OpenApiTypes.OBJECT,
        **_problems(
            on_404="The form is not open, or asks for no proof of work.",
            on_429="Too many challenges: see Retry-After.",
        ),
    },
}


@functools.cache
def _schema() -> Document:
    """Made once: it depends on the code alone."""
    generator: Any = SchemaGenerator  # the library has no types
    schema: Document = generator(urlconf=URLS).get_schema(request=None, public=True)
    for closed in ("Submission", "ShownNotice"):  # a member that nobody knows is refused
        schema["components"]["schemas"][closed]["additionalProperties"] = False
    return schema


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return JsonResponse(_schema())
