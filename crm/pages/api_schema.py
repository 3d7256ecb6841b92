"""The document that describes the staff API: OpenAPI 3.1, read off the addresses themselves."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import SlugConverter, UUIDConverter
from django.views.decorators.http import require_safe

from crm.access import api_page
from crm.leads import STATES

_TYPES: dict[type, dict[str, str]] = {
    UUIDConverter: {"type": "string", "format": "uuid"},
    SlugConverter: {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}
_WORD = {"type": "string"}
_PERMISSION = {
    "type": "object",
    "required": ["purpose", "channel", "permitted", "reason_code", "sentence"],
    "properties": {
        **dict.fromkeys(("purpose", "channel", "reason_code", "sentence", "proof_url"), _WORD),
        "permitted": {"type": "boolean"},
        "since": {"type": ["string", "null"], "format": "date-time"},
        "record_id": {"type": ["string", "null"], "format": "uuid"},
    },
}
_ID, _MOMENT = {"type": "string", "format": "uuid"}, {"type": "string", "format": "date-time"}
_LEAD_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("id", "contact_id"), _ID),
    **dict.fromkeys(("form", "state"), _WORD),
    "received_at": _MOMENT,
    "assigned_to": {"type": ["string", "null"]},
    "score": {"type": ["integer", "null"]},
}
_LEAD = {"type": "object", "required": [*_LEAD_FIELDS], "properties": _LEAD_FIELDS}
# What an answer in JSON holds, by the name of its address.
_SHAPES: dict[str, dict[str, Any]] = {
    "contact-permissions": {
        "type": "object",
        "required": ["contact_id", "permissions"],
        "properties": {
            "contact_id": {"type": "string", "format": "uuid"},
            "permissions": {"type": "array", "items": _PERMISSION},
        },
    },
    "api-leads": {
        "type": "object",
        "required": ["leads", "after"],
        "properties": {
            "leads": {"type": "array", "items": _LEAD},
            "after": {"type": ["string", "null"]},
        },
    },
    "api-lead": {
        "type": "object",
        "required": [*_LEAD_FIELDS, "person", "message"],
        "properties": {
            **_LEAD_FIELDS,
            "person": {"type": ["object", "null"], "additionalProperties": _WORD},
            "message": {"type": ["string", "null"]},
        },
    },
}
# What may stand behind the question mark, by the name of its address. Strings alone: a word that
# is none of those narrows nothing.
_QUERIES: dict[str, dict[str, str]] = {
    "api-leads": {
        "state": f"One of {', '.join(STATES)}; else leads in every state.",
        "owner": "mine, or nobody; else everybody's.",
        "form": "The code of a form.",
        "overdue": "1: only those whose reminder is due.",
        "order": "score: the best first; else the newest first.",
        "after": "What the page before says as its own `after`.",
    },
}
# What an address says of itself that is put together with what holds for all.
_OWN = ("method", "parameters", "responses")
_REFUSALS = {
    "401": "No session with both factors and no token that is accepted.",
    "403": "Not for this network, scope or role.",
    "404": "There is no such contact or lead, or nothing to prove.",
    "429": "Too many refused tokens from this network.",
}


def _walk(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for part in resolver.url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            yield from _walk(part, route)
        elif hasattr(part.callback, "api_scope"):
            yield route, part


def _parameters(part: URLPattern) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _TYPES[type(converter)]}
        for name, converter in part.pattern.converters.items()
    ]
    behind = [
        {"name": name, "in": "query", "required": False, "schema": _WORD, "description": text}
        for name, text in _QUERIES.get(part.name or "", {}).items()
    ]
    return [*in_path, *behind]


def _method(part: URLPattern) -> str:
    view: Any = part.callback
    return str(view.api_operation.get("method", "get"))


def _operation(part: URLPattern) -> dict[str, Any]:
    view: Any = part.callback
    shape = _SHAPES.get(part.name or "", {"type": "object"})
    if view.api_answer == "application/zip":
        shape = {"type": "string", "format": "binary"}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    more, told = view.api_operation, dict(view.api_operation.get("responses", {}))
    answered = {"description": "OK", "content": {view.api_answer: {"schema": shape}}}
    responses = {
        **({} if any(status.startswith("2") for status in told) else {"200": answered}),
        **{status: {"description": text, "content": problem} for status, text in _REFUSALS.items()},
    }
    return {
        "operationId": part.name,
        "summary": (view.__doc__ or "").partition("\n")[0],
        "description": f"Roles: {', '.join(view.staff_roles) or 'every one'}.",
        "parameters": [*_parameters(part), *more.get("parameters", [])],
        "security": [{"token": [view.api_scope] if view.api_scope else []}, {"session": []}],
        "responses": {**responses, **told},
        **{key: value for key, value in more.items() if key not in _OWN},
    }


def document() -> dict[str, Any]:
    """Return the description of every address that a token opens, and of nothing else."""
    paths = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route): {_method(part): _operation(part)}
        for route, part in sorted(_walk(get_resolver()), key=lambda found: found[0])
    }
    words = {"type": "string"}
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            **dict.fromkeys(("type", "title", "code"), words),
            "status": {"type": "integer"},
        },
    }
    session = {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Accord staff API", "version": "1"},
        "servers": [{"url": settings.STAFF_URL}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": problem},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "session": session},
        },
    }


@require_safe
@api_page("")
def schema(request: HttpRequest) -> HttpResponse:
    """This document."""
    return JsonResponse(document())
