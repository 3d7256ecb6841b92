"""A message that another system asks for: judged, sealed and planned, once per key."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.content.findings import BrokenTemplate
from campaigns.delivery.preparing import values_of
from campaigns.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    TransactionalMessage,
    TransactionalTemplate,
)
from campaigns.single.content import NotSendable, SingleContent
from campaigns.single.sending import send_single
from campaigns.single.templates import constants
from campaigns.single.working import why_not_single
from campaigns.smtp.headers import UnsafeHeader
from campaigns.transactional.filling import Words, content_of
from campaigns.transactional.templates import template_by_code, variables_of
from campaigns.transactional.variables import InvalidValues, checked, written
from crm.services import Profile, known_contact, profiles
from privacy.services import keyed_id, reading_unmetered

_QUEUED = "queued"
_STATES: Mapping[int, str] = {
    DeliveryState.SENT: "sent",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.FAILED: "failed",
    DeliveryState.BOUNCED: "bounced",
    DeliveryState.UNKNOWN: "unknown",
}
_KIND = DeliveryKind.TRANSACTIONAL


class NobodyThere(LookupError):
    """There is no such contact: a message is for somebody who is known, and makes nobody known."""


class KeyUsed(ValueError):
    """The Idempotency-Key was used for something else."""


class MayNotBeSent(ValueError):
    """The gate would not let it pass; the argument is its word for why."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Asked:
    """What is asked for. It has no repr: values are of a person."""

    template: str
    language: str
    contact_id: UUID | None = None
    email: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""

    def mark(self) -> bytes:
        """A keyed digest: the same for the same request, and nothing can be guessed from it."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return keyed_id(scope="transactional_body", parts=[text.encode()])


@dataclass(frozen=True)
class Asker:
    """Which account, and which of its tokens, with which key."""

    account_id: UUID
    token_id: UUID
    key: str

    def message_id(self) -> UUID:
        """The message of this key: always the same, of this account alone."""
        parts = [self.account_id.bytes, self.key.encode()]
        return UUID(bytes=keyed_id(scope="transactional_message", parts=parts))


@dataclass(frozen=True)
class Told:
    """What became of a message; nothing of a person."""

    id: UUID
    template: str
    state: str
    reason: str
    reference: str
    accepted_at: datetime
    finished_at: datetime | None


def accept_message(*, asked: Asked, asker: Asker, now: datetime) -> UUID:
    """Plan a message and return its id; the same key with the same request is the same message,
    however often and at once.

    Raises KeyUsed, TemplateUnknown, NobodyThere, InvalidValues and MayNotBeSent; a key with which
    one of the last four was answered is still free. Not inside of a transaction: the reading of
    the person is journaled before. The gate asks again when the message is handed over.
    """
    number, mark = asker.message_id(), asked.mark()
    if _is_known(number, mark):
        return number
    template = template_by_code(code=asked.template)
    values = checked(variables_of(template), asked.variables)
    contact_id = known_contact(contact_id=asked.contact_id, email=asked.email)
    if contact_id is None:
        raise NobodyThere(NobodyThere.__doc__)
    # Nothing of the person goes to whoever asks: it counts as no reading of theirs.
    with reading_unmetered():
        _refuse(template, contact_id)
        content = _content(template, asked, values, contact_id)
    row = TransactionalMessage(
        id=number,
        account_id=asker.account_id,
        token_id=asker.token_id,
        template=template,
        ground=template.ground,
        is_required=template.is_required,
        body_mark=mark,
        reference=asked.reference,
        accepted_at=now,
    )
    _plan(row, contact_id=contact_id, content=content, language=asked.language)
    return number


def _is_known(number: UUID, mark: bytes) -> bool:
    found = TransactionalMessage.objects.filter(id=number).values_list("body_mark", flat=True)
    kept = found.first()
    if kept is not None and bytes(kept) != mark:
        raise KeyUsed(KeyUsed.__doc__)
    return kept is not None


def _content(
    template: TransactionalTemplate, asked: Asked, values: Mapping[str, Any], contact_id: UUID
) -> SingleContent:
    version = next((v for v in template.versions.all() if v.language == asked.language), None)
    if version is None:
        raise InvalidValues({"language": "not_in_this_language"})
    person = profiles(contact_ids=[contact_id]).get(contact_id, Profile(contact_id))
    variables = variables_of(template)
    said = written(variables, values, language=asked.language)
    filled = {name: value for name, value in values_of(person).items() if value}
    try:
        content = content_of(Words.of(version), variables, {**filled, **constants(), **said})
        content.check()
    except NotSendable as error:
        raise InvalidValues({"variables": str(error)}) from None
    except (UnsafeHeader, BrokenTemplate):
        raise InvalidValues({"variables": "not_sendable"}) from None
    return content


def _refuse(template: TransactionalTemplate, contact_id: UUID) -> None:
    refusal = why_not_single(
        contact_id=contact_id,
        purpose=template.purpose_id,
        kind=_KIND,
        ground=template.ground,
    )
    if refusal in ("unreadable", "erased"):
        raise NobodyThere(NobodyThere.__doc__)
    if refusal:
        raise MayNotBeSent(refusal)


def _plan(
    row: TransactionalMessage, *, contact_id: UUID, content: SingleContent, language: str
) -> None:
    """One transaction. Whoever comes second waits for the first at the key of the row."""
    with transaction.atomic():
        TransactionalMessage.objects.bulk_create([row], ignore_conflicts=True)
        _is_known(row.id, bytes(row.body_mark))
        send_single(
            contact_id=contact_id,
            purpose=row.template.purpose_id,
            content=content,
            reference=row.id,
            kind=_KIND,
            language=language,
            actor_id=row.account_id,
            now=row.accepted_at,
        )


def told_of_message(*, message_id: UUID, account_id: UUID) -> Told:
    """Return what became of a message of this account. Raises NobodyThere for any other."""
    rows = TransactionalMessage.objects.filter(id=message_id, account_id=account_id)
    row = rows.select_related("template").first()
    sent = Delivery.objects.filter(reference_id=message_id, kind=_KIND).first()
    if row is None or sent is None:
        raise NobodyThere(NobodyThere.__doc__)
    state = _STATES.get(sent.state, _QUEUED)
    return Told(
        id=row.id,
        template=row.template.code,
        state=state,
        reason=sent.reason if state != _QUEUED else "",
        reference=row.reference,
        accepted_at=row.accepted_at,
        finished_at=sent.finished_at,
    )
