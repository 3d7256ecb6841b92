"""What the OpenAPI document says of sending a message: docs/transactional-api.md."""

from typing import Any

CODE = "^[-a-zA-Z0-9_]{1,40}$"
LANGUAGE = "^[a-z]{2}(-[A-Z]{2})?$"
REFERENCE = "^[A-Za-z0-9._:/-]{0,64}$"
KEY = "^[!-~]{8,255}$"

_WORD = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
_ASKED = {
    "type": "object",
    "required": ["template", "language"],
    "additionalProperties": False,
    "oneOf": [{"required": ["contact_id"]}, {"required": ["email"]}],
    "properties": {
        "template": {"type": "string", "pattern": CODE},
        "language": {"type": "string", "pattern": LANGUAGE},
        "contact_id": _UUID,
        "email": {"type": "string", "format": "email", "maxLength": 254},
        "variables": {
            "type": "object",
            "maxProperties": 30,
            "additionalProperties": {"type": ["string", "number", "null"]},
        },
        "reference": {"type": "string", "pattern": REFERENCE},
    },
}
_ACCEPTED = {"type": "object", "required": ["id"], "properties": {"id": _UUID}}
_TOLD = {
    "type": "object",
    "required": ["id", "template", "state", "reason", "reference", "accepted_at", "finished_at"],
    "properties": {
        "id": _UUID,
        "state": {"enum": ["queued", "sent", "bounced", "skipped", "failed", "unknown"]},
        **dict.fromkeys(("template", "reason", "reference"), _WORD),
        "accepted_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
    },
}


def _problem(text: str) -> dict[str, Any]:
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": text, "content": {"application/problem+json": shape}}


def _answer(text: str, shape: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": shape}}}


SEND: dict[str, Any] = {
    "method": "post",
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "The same key with the same body is the same message.",
            "schema": {"type": "string", "pattern": KEY},
        }
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _ASKED}}},
    # A session does not send: what a browser may be made to post is not meant by anybody.
    "security": [{"token": ["messages:send"]}],
    "responses": {
        "202": {
            **_answer("Accepted: it leaves if its gate lets it pass.", _ACCEPTED),
            "headers": {"Location": {"schema": _WORD}},
        },
        "400": _problem("The Idempotency-Key is missing or has another shape."),
        "404": _problem("There is no such contact."),
        "409": _problem("The person may not be written to, or the key was used otherwise."),
        "422": _problem("Fields that do not fit, each with a code."),
        "429": _problem("Too many messages from this token: Retry-After says when it goes on."),
    },
}
READ: dict[str, Any] = {"responses": {"200": _answer("What became of it.", _TOLD)}}
