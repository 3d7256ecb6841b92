"""Transactional messages for machines: docs/transactional-api.md. Nothing personal is answered."""

import json
import re
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from campaigns.pages.api_messages_document import CODE, KEY, LANGUAGE, READ, REFERENCE, SEND
from campaigns.pages.replies import REPLIERS
from campaigns.transactional.accepting import (
    Asked,
    Asker,
    KeyUsed,
    MayNotBeSent,
    NobodyThere,
    accept_message,
    told_of_message,
)
from campaigns.transactional.templates import TemplateUnknown
from campaigns.transactional.variables import MOST, InvalidValues
from crm.services import account_of, api_page, problem, seconds_to_wait, token_of
from privacy.services import refuse_card_numbers

SCOPE = "messages:send"
BODY_MAX = 64 * 1024
_SHAPES = {"template": CODE, "language": LANGUAGE, "reference": REFERENCE}
_FIELDS = {*_SHAPES, "contact_id", "email", "variables"}


# The token in the header stands for the account; a session alone is refused below.
@csrf_exempt
@require_POST
@api_page(SCOPE, *REPLIERS, operation=SEND)
@sensitive_variables()
def api_messages(request: HttpRequest) -> HttpResponse:
    """Send a message from a template to one contact."""
    refusal = _not_now(request)
    if refusal is not None:
        return refusal
    try:
        number = accept_message(asked=_asked(request), asker=_asker(request), now=timezone.now())
    except InvalidValues as wrong:
        return _invalid(wrong.errors)
    except TemplateUnknown:
        return _invalid({"template": "unknown_template"})
    except NobodyThere:
        return problem(HTTPStatus.NOT_FOUND, "not_found")
    except KeyUsed:
        return problem(HTTPStatus.CONFLICT, "key_used_otherwise")
    except MayNotBeSent as refused:
        return problem(HTTPStatus.CONFLICT, "may_not_be_sent", more={"reason": str(refused)})
    answer = JsonResponse({"id": str(number)}, status=HTTPStatus.ACCEPTED)
    answer["Location"] = reverse("api-message", args=[number])
    return answer


def _not_now(request: HttpRequest) -> HttpResponse | None:
    token = token_of(request)
    if token is None:
        bearer = 'Bearer realm="Accord"'
        return problem(HTTPStatus.UNAUTHORIZED, "token_required", WWW_Authenticate=bearer)
    seconds = seconds_to_wait(
        token=token,
        scope=SCOPE,
        at_most=settings.MESSAGES_PER_MINUTE,
        within=timedelta(minutes=1),
        now=timezone.now(),
    )
    if seconds:
        wait = str(seconds)
        return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_messages", Retry_After=wait)
    if not re.fullmatch(KEY, request.headers.get("Idempotency-Key", "")):
        return problem(HTTPStatus.BAD_REQUEST, "idempotency_key_missing")
    return None


def _asker(request: HttpRequest) -> Asker:
    token = token_of(request)
    assert token is not None  # noqa: S101  (_not_now)
    return Asker(token.account_id, token.id, request.headers["Idempotency-Key"])


def _invalid(errors: dict[str, str]) -> HttpResponse:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", more={"errors": errors})


def _asked(request: HttpRequest) -> Asked:
    """Read the body. Raises InvalidValues with a code per field, and never a value."""
    document = _document(request)
    errors = {name: "wrong_shape" for name, shape in _SHAPES.items() if not _fits(document, name)}
    for name in ("template", "language"):
        if name not in document:
            errors[name] = "required"
    if ("contact_id" in document) == ("email" in document):
        errors["contact_id"] = "contact_id_or_email"
    contact_id = _contact_id(document, errors)
    email = document.get("email", "")
    if not isinstance(email, str) or len(email) > 254:
        errors["email"] = "wrong_shape"
    variables = document.get("variables", {})
    if not _is_flat(variables):
        errors["variables"] = "wrong_shape"
    if errors:
        raise InvalidValues(errors)
    return Asked(
        template=document["template"],
        language=document["language"],
        contact_id=contact_id,
        email=email,
        variables=variables,
        reference=document.get("reference", ""),
    )


def _document(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json" or len(request.body) > BODY_MAX:
        raise InvalidValues({"body": "not_json"})
    try:
        document = json.loads(request.body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidValues({"body": "not_json"}) from None
    if not isinstance(document, dict):
        raise InvalidValues({"body": "not_an_object"})
    if set(document) - _FIELDS:
        raise InvalidValues({"body": "unknown_field"})
    return document


def _refuse(_constant: str) -> None:
    raise ValueError


def _fits(document: dict[str, Any], name: str) -> bool:
    value = document.get(name, "")
    if name not in document:
        return True
    if not isinstance(value, str) or not re.fullmatch(_SHAPES[name], value):
        return False
    try:
        refuse_card_numbers(value)
    except ValidationError:
        return False
    return True


def _contact_id(document: dict[str, Any], errors: dict[str, str]) -> UUID | None:
    if "contact_id" not in document:
        return None
    try:
        return UUID(document["contact_id"])
    except (TypeError, ValueError, AttributeError):
        errors["contact_id"] = "wrong_shape"
        return None


def _is_flat(variables: object) -> bool:
    if not isinstance(variables, dict) or len(variables) > MOST:
        return False
    kinds = (str, int, Decimal, type(None))
    return all(isinstance(value, kinds) for value in variables.values())


@require_safe
@api_page(SCOPE, *REPLIERS, operation=READ)
def api_message(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Say what became of a message that the same account asked for."""
    try:
        told = told_of_message(message_id=message_id, account_id=account_of(request).id)
    except NobodyThere:
        raise Http404 from None
    return JsonResponse({**asdict(told), "id": str(told.id)})
