"""Receipts: what a person may keep of what we say that they permitted, and check without us.

A person asks for one on the page behind their link. The public side seals the order with the hash
of a random key and shows a page under that key; the worker makes the receipt and puts it there.
Orders are envelopes of a kind of their own: neither a flood of them nor a mistake in making one
may hold up anybody's "no", for which campaigns wait.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.conf import settings

from consent.attest import RECEIPT, ledger_part, readable_bytes, with_signature
from consent.jsonld import RECEIPT_PROFILE
from consent.models import (
    PERMITTING_STATES,
    ConfirmationRequest,
    LedgerEvent,
    Notice,
    Permission,
    PublicReceipt,
    State,
    SubjectCard,
)
from consent.records import Document, moment, notice_document, record_documents, urn, with_context
from consent.sealing import SealBroken, seal_ledger
from privacy.services import NotOurLink, OpenedEnvelope, Refused, drain_envelopes, read_link

logger = logging.getLogger("consent.receipts")
KIND = "receipt"
# Long enough to come back to the page, short enough that nothing gathers on the public side.
KEPT_FOR = timedelta(hours=24)
# Some 40 KB each. Beyond that orders wait: a press of a button must not fill the intake database.
MOST_KEPT = 10_000
_RELATED = ("notice", "purpose", "assessment")


@dataclass(frozen=True)
class ReceiptLine:
    """One permission of the readable page, in both languages: the page is shown in either."""

    title: dict[str, str]
    channel: str
    state: str
    is_permitted: bool
    basis: str
    since: str
    method: str
    form: str
    notice: str
    record: str
    place: int | None
    log_size: int | None


@dataclass(frozen=True)
class Receipt:
    """A signed receipt, and the lines of its readable page."""

    document: Document
    lines: list[ReceiptLine]

    def content(self) -> bytes:
        """Return the file that a person downloads."""
        return readable_bytes(self.document)


def make_receipt(*, subject_id: UUID, language: str, now: datetime) -> Receipt:
    """Return a receipt of everything that the ledger holds of a person's permissions.

    Per purpose and channel: the record that decides, the record of the notice, the notice itself.
    It changes nothing; made twice it is two receipts of the same records.
    """
    held = list(
        Permission.objects.filter(subject_id=subject_id)
        .select_related("purpose", *(f"event__{name}" for name in _RELATED))
        .order_by("purpose__position", "purpose_id", "channel")
    )
    rows = _with_shown([permission.event for permission in held])
    ledger = ledger_part(rows)
    document = with_context(
        {
            **_head(subject_id, language, now),
            "dpv:hasNotice": _notices(rows),
            "dpv:hasRecordOfActivity": record_documents(rows),
            "ledger": ledger,
        }
    )
    places = {entry["record"]: entry for entry in ledger["entries"]}
    lines = [_line(permission, places) for permission in held]
    return Receipt(with_signature(document, prefix=RECEIPT), lines)


def _head(subject_id: UUID, language: str, now: datetime) -> Document:
    number = uuid_utils.compat.uuid7()
    return {
        "@id": urn(number),
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT_PROFILE,
        "dct:identifier": str(number),
        "dct:created": moment(now),
        "dct:language": language,
        "dct:publisher": f"{settings.PUBLIC_URL}/#controller",
        "dpv:hasDataSubject": urn(subject_id),
    }


def _with_shown(deciding: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """Return the deciding events and those that say which notice had been shown, in order."""
    rows = {row.record_id: row for row in deciding}
    named = {row.shown_record for row in rows.values() if row.shown_record}
    related = LedgerEvent.objects.select_related(*_RELATED)
    rows |= {row.record_id: row for row in related.filter(record_id__in=named)}
    # Rows of layout 1 name none: it is the newest before them.
    for row in [row for row in rows.values() if row.layout == 1]:
        before = related.filter(
            subject_id=row.subject_id,
            purpose=row.purpose_id,
            channel=row.channel,
            event_state=State.NOTICE_SHOWN,
            seq__lt=row.seq,
        )
        if shown := before.order_by("-seq").first():
            rows[shown.record_id] = shown
    return sorted(rows.values(), key=lambda row: row.seq)


def _notices(rows: Iterable[LedgerEvent]) -> list[Document]:
    shown: dict[UUID, Notice] = {row.notice.id: row.notice for row in rows if row.notice}
    return [notice_document(shown[number], with_text=True) for number in sorted(shown)]


def _line(permission: Permission, places: dict[str, Any]) -> ReceiptLine:
    event, purpose = permission.event, permission.purpose
    notice = event.notice
    entry = places[str(event.record_id)]
    return ReceiptLine(
        title={"fr": purpose.title_fr, "en": purpose.title_en},
        channel=permission.channel,
        state=permission.state,
        is_permitted=permission.state in PERMITTING_STATES,
        basis=permission.basis,
        since=permission.since.isoformat(),
        method=event.method,
        form=event.form_code,
        notice=urn(notice.id) if notice else "",
        record=str(event.record_id),
        place=entry["index"] + 1 if entry["sealed"] else None,
        log_size=entry["tree_size"] if entry["sealed"] else None,
    )


# --- orders ----------------------------------------------------------------------------------


def make_waiting_receipts(*, now: datetime, limit: int = 50) -> int:
    """Make what people ordered and put it under the key of their page; return how many.

    What was ordered with a link that is not ours is put aside. Calling twice is safe. Receipts
    whose day is over are deleted.
    """
    PublicReceipt.objects.filter(expires_at__lte=now).delete()
    room = MOST_KEPT - PublicReceipt.objects.count()
    if room <= 0:
        logger.error("receipts wait: as many are kept as there may be")
        return 0
    seal_once = cache(partial(_seal, now))

    def handle(envelope: OpenedEnvelope) -> None:
        # Only when there is an order: heads are for every ten seconds, not for every bell.
        seal_once()
        _fulfil(envelope, now)

    return drain_envelopes(kind=KIND, handle=handle, limit=min(limit, room), now=now).handled


def _seal(now: datetime) -> None:
    """Seal first: whoever asks for a receipt has just chosen, and wants that in it, with proof."""
    try:
        seal_ledger(now=now)
    except SealBroken:
        # Whoever rings the bell of sealing is told; a receipt says of itself what is not sealed.
        logger.error("receipts are made without the newest seal")


def _fulfil(envelope: OpenedEnvelope, now: datetime) -> None:
    order = envelope.document
    key_hash = _key_hash(order.get("key_hash"))
    language = "en" if order.get("language") == "en" else "fr"
    subject_id = _subject(str(order.get("scope")), str(order.get("token")))
    document: Document = {"lines": [], "receipt": None}
    if subject_id is not None:
        receipt = make_receipt(subject_id=subject_id, language=language, now=now)
        document = {
            "lines": [vars(line) for line in receipt.lines],
            "receipt": receipt.document if receipt.lines else None,
        }
    PublicReceipt.objects.bulk_create(
        [
            PublicReceipt(
                key_hash=key_hash, document=document, created_at=now, expires_at=now + KEPT_FOR
            )
        ],
        ignore_conflicts=True,
    )


def _key_hash(value: object) -> bytes:
    try:
        key_hash = bytes.fromhex(str(value))
    except ValueError:
        key_hash = b""
    if len(key_hash) != 32:
        raise Refused("no_key")
    return key_hash


def _subject(scope: str, token: str) -> UUID | None:
    """Return whose link it is; None when the person is gone. Raises Refused for any other link."""
    if scope not in {"preferences", "confirm"}:
        raise Refused("unknown_scope")
    try:
        link = read_link(scope=scope, token=token)
    except NotOurLink:
        raise Refused("not_our_link") from None
    if scope == "preferences":
        card = SubjectCard.objects.filter(card_id=link.card_id).first()
        return card.subject_id if card else None
    # The token was made here for this request: its tag covers the request and the address.
    request = ConfirmationRequest.objects.filter(id=link.card_id).first()
    return request.subject_id if request else None
