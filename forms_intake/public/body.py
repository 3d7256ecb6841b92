"""The body of a submission to the API, read strictly: what is unclear is refused."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from forms_intake.abuse import TRAP
from forms_intake.client import evidence_of
from forms_intake.public.refusals import Malformed, NotTheType
from forms_intake.submissions import FieldError, Incoming, Invalid
from privacy.services import TooLarge

Body = dict[str, Any]
BODY_MAX = 16 * 1024
MEMBERS = {
    "language": str,
    "form_version": int,
    "notice": dict,
    "fields": dict,
    "consents": list,
    "objections": list,
    "altcha": str,
    TRAP: str,
}


def read_body(request: Request) -> Body:
    """Return the JSON object of a request; raises NotTheType, TooLarge, Malformed, Invalid."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise NotTheType(NotTheType.__doc__)
    raw = _raw(request)
    try:
        body = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Malformed(Malformed.__doc__) from None
    if not isinstance(body, dict):
        raise Malformed(Malformed.__doc__)
    _check_members(body)
    return body


def _raw(request: Request) -> bytes:
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        # Django reads such a body as empty; the server behind it knows where it ends.
        raw: bytes = request.META["wsgi.input"].read(BODY_MAX + 1)
        if len(raw) > BODY_MAX:
            raise TooLarge(TooLarge.__doc__)
        return raw
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise Malformed(Malformed.__doc__)
    if int(length) > BODY_MAX:  # before a byte of it is read
        raise TooLarge(TooLarge.__doc__)
    return bytes(request.body)


def _object(pairs: Sequence[tuple[str, object]]) -> Body:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice: two readers would choose differently")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_members(body: Body) -> None:
    errors = [
        FieldError(str(name)[:40], "unknown_member", _("This member is not known."))
        for name in body.keys() - MEMBERS.keys()
    ] + [
        FieldError(name, "wrong_type", _("This member has another type."))
        for name, kind in MEMBERS.items()
        if name in body and type(body[name]) is not kind
    ]
    if errors:
        raise Invalid(errors)


def is_trapped(body: Mapping[str, object]) -> bool:
    """Say whether a machine filled in the field that no person sees."""
    return bool(body.get(TRAP))


def incoming_of(body: Body, request: Request) -> Incoming:
    return Incoming(
        fields=body.get("fields", {}),
        consents=body.get("consents", []),
        objections=body.get("objections", []),
        language=body.get("language"),
        form_version=body.get("form_version"),
        notice=body.get("notice", {}),
        via="api",
        evidence=evidence_of(request),
    )


def digest_of(body: Body) -> bytes:
    """Return a digest of what a body says, whatever its spaces and order."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
