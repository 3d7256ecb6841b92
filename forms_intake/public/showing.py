"""A form as a page shows it: what to ask, what was typed, what is wrong."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from forms_intake.abuse import TRAP, Started
from forms_intake.fields import countries
from forms_intake.proof_of_work import make_challenge
from forms_intake.public.refusals import Refusal
from forms_intake.submissions import FieldError

Document = dict[str, Any]


@dataclass(frozen=True)
class Typed:
    """What the person had entered, to be shown to them again."""

    values: Mapping[str, str] = field(default_factory=dict)
    ticked: Collection[str] = ()
    started: str = ""
    submission: str = ""


@dataclass(frozen=True)
class Trouble:
    """Why the form is shown again."""

    refusal: Refusal
    errors: Sequence[FieldError] = ()


def context_of(
    *,
    document: Document,
    language: str,
    typed: Typed,
    now: datetime,
    trouble: Trouble | None = None,
) -> dict[str, Any]:
    """Return what the templates of a form need, in its own language."""
    errors = {error.field: error for error in (trouble.errors if trouble else ())}
    is_proof = document["has_proof_of_work"]
    return {
        "code": document["code"],
        "version": document["version"],
        "language": language,
        "texts": document["texts"][language],
        "fields": [_field(each, language, typed, errors) for each in document["fields"]],
        "boxes": [_box(each, language, typed) for each in document["purposes"] if each["control"]],
        "uses": [each["titles"][language] for each in document["purposes"] if not each["control"]],
        "box_errors": [errors[each] for each in ("consents", "objections") if each in errors],
        "notice": document["notices"][language],
        "trap": TRAP,
        "trouble": trouble,
        "started": typed.started or Started.at(now).text,
        "submission": typed.submission or str(uuid4()),
        "challenge": json.dumps(make_challenge(form=document["code"], now=now)) if is_proof else "",
    }


def _field(
    asked: Document, language: str, typed: Typed, errors: Mapping[str, FieldError]
) -> dict[str, Any]:
    is_choice = asked["kind"] == "country"
    return {
        **asked,
        "id": f"field-{asked['name']}",
        "label": asked["labels"][language],
        "value": typed.values.get(asked["name"], ""),
        "error": errors.get(asked["name"]),
        "choices": countries(language).items() if is_choice else (),
    }


def _box(purpose: Document, language: str, typed: Typed) -> dict[str, Any]:
    return {
        "id": f"box-{purpose['purpose']}-{purpose['channel']}",
        "list": f"{purpose['control']}s",
        "name": purpose["name"],
        "text": purpose["control_texts"].get(language, ""),
        "title": purpose["titles"][language],
        "description": purpose["descriptions"][language],
        "is_ticked": purpose["name"] in typed.ticked,
    }


def show(
    request: HttpRequest,
    *,
    document: Document,
    language: str,
    now: datetime,
    typed: Typed | None = None,
    trouble: Trouble | None = None,
) -> HttpResponse:
    """Answer with the form, with what was typed and what is wrong when it was turned away."""
    with translation.override(language):
        context = context_of(
            document=document, language=language, typed=typed or Typed(), now=now, trouble=trouble
        )
        status = trouble.refusal.status if trouble else 200
        response = render(request, "forms_intake/form.html", context, status=status)
    response["Content-Language"] = language
    parts = urlsplit(document["redirect_url"])
    if parts.netloc:
        # Browsers hold the redirect after a post against the policy of the form's own page.
        response._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]
    return response
