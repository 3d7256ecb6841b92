"""One submission, from the page or from the API, checked against the published form.

The public side checks before it seals, so that people get an answer; the worker checks again with
the same function, because whoever holds the sealing key can seal anything.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from forms_intake.fields import FIELDS, InvalidField

Document = dict[str, Any]
KIND = "submission"
SCHEMA = 1
_NAMESPACE = UUID("7b4a4a76-3c1f-5e0a-9d55-2f8a0f6f1c10")
VIAS = ("page", "embed", "api")
_NOTICE_PARTS = ("id", "version", "language", "sha256")


class Stale(Exception):
    """The form or its notice changed since it was shown, or the notice is missing: nothing kept."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; the message never repeats what was typed."""

    field: str
    code: str
    message: str | Promise


class Invalid(ValueError):
    """The submission cannot be accepted; `errors` say why, in the order of the form."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(", ".join(f"{error.field}: {error.code}" for error in errors))
        self.errors = list(errors)


@dataclass(frozen=True)
class Incoming:
    """A submission as it came, nothing of it believed yet."""

    fields: Mapping[str, object]
    consents: Sequence[object]
    objections: Sequence[object]
    language: object
    form_version: object
    notice: Mapping[str, object]
    via: str
    evidence: Mapping[str, str]


def validate(*, document: Document, incoming: Incoming) -> Document:
    """Return the document to seal; raises Stale, else Invalid with every error at once."""
    language, shown = _check_fresh(document, incoming)
    errors: list[FieldError] = []
    values = _values(document, incoming.fields, errors)
    ticked = {
        control: _ticked(document, control, list(given), errors)
        for control, given in (
            ("consent", incoming.consents),
            ("objection", incoming.objections),
        )
    }
    if errors:
        raise Invalid(errors)
    return {
        "schema": SCHEMA,
        "form": document["code"],
        "form_version": document["version"],
        "language": language,
        "notice": shown,
        "fields": values,
        "email_as_typed": str(incoming.fields["email"]).strip(),
        "consents": ticked["consent"],
        "objections": ticked["objection"],
        "via": incoming.via,
        "evidence": dict(incoming.evidence),
    }


def _check_fresh(document: Document, incoming: Incoming) -> tuple[str, Document]:
    """Return the language and the wording that was shown, as it is to be recorded.

    It must be what is published: a box of yesterday's words agrees to nothing. An earlier wording
    of the same version told the same, and stands.
    """
    language = incoming.language
    if not isinstance(language, str) or language not in document["notices"]:
        raise Stale(Stale.__doc__)
    published = document["notices"][language]
    for wording in (published, *published.get("earlier", ())):
        shown = {part: wording[part] for part in _NOTICE_PARTS}
        if all(str(incoming.notice.get(part, "")) == str(shown[part]) for part in _NOTICE_PARTS):
            break
    else:
        raise Stale(Stale.__doc__)
    if str(incoming.form_version) != str(document["version"]):
        raise Stale(Stale.__doc__)
    return language, shown


def _values(
    document: Document, given: Mapping[str, object], errors: list[FieldError]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for asked in document["fields"]:
        name = asked["name"]
        try:
            values[name] = FIELDS[name].clean(given.get(name, ""))
        except InvalidField as error:
            errors.append(FieldError(name, error.code, error.message))
            continue
        if asked["is_required"] and not values[name]:
            errors.append(FieldError(name, "required", _("This is needed.")))
    for name in given.keys() - {asked["name"] for asked in document["fields"]}:
        message = _("This form does not ask for that.")
        errors.append(FieldError(str(name)[:40], "unknown_field", message))
    return {name: value for name, value in values.items() if value}


def _ticked(
    document: Document, control: str, given: Sequence[object], errors: list[FieldError]
) -> list[str]:
    known = [each["name"] for each in document["purposes"] if each["control"] == control]
    if any(not isinstance(name, str) or name not in known for name in given):
        message = _("This form has no such box.")
        errors.append(FieldError(f"{control}s", "unknown_purpose", message))
    return [name for name in known if name in given]


def api_envelope_id(*, form: str, key: UUID) -> UUID:
    """Return the envelope's id for an Idempotency-Key: the first one dropped is the one kept."""
    return uuid5(_NAMESPACE, f"api:{form}:{key}")


def page_envelope_id(*, content: Document, rendered: str, now: datetime) -> UUID:
    """Return the envelope's id for a post of the page: a double click is the same one.

    `rendered` is the random id of the page that was shown. A corrected answer from the same page
    is another envelope: nothing a person sends is dropped in silence. An embedded form has no
    such id: the same words twice in a day are one. Keyed, so that an id tells nothing.
    """
    said = {name: value for name, value in content.items() if name != "evidence"}
    words = json.dumps(said, sort_keys=True).encode()
    digest = hmac.digest(settings.SECRET_KEY.encode(), b"forms_intake/page/1" + words, "sha256")
    return uuid5(_NAMESPACE, f"page:{rendered[:36] or now.date()}:{digest.hex()}")


def reopened(*, sealed: Document) -> Incoming:
    """Return what a sealed document says, to be validated again; raises Invalid on its shape."""
    parts = (sealed.get("fields"), sealed.get("notice"), sealed.get("evidence"))
    lists = (sealed.get("consents"), sealed.get("objections"))
    is_shaped = (
        sealed.get("schema") == SCHEMA
        and sealed.get("via") in VIAS
        and all(isinstance(part, dict) for part in parts)
        and all(isinstance(part, list) for part in lists)
        and isinstance(sealed.get("email_as_typed"), str)
    )
    if not is_shaped:
        raise Invalid([FieldError("", "shape", "")])
    return Incoming(
        sealed["fields"],
        sealed["consents"],
        sealed["objections"],
        sealed["language"],
        sealed["form_version"],
        sealed["notice"],
        sealed["via"],
        sealed["evidence"],
    )
