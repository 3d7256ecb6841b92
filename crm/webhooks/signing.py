"""What a call carries and how it is signed (Standard Webhooks 1.0.0, symmetric scheme v1)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID


def body_of(*, kind: str, ids: Mapping[str, str], at: datetime) -> bytes:
    """Return the JSON of an event: its kind, its moment, and ids."""
    document = {
        "type": kind,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": dict(ids),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def headers_of(
    *, event_id: UUID, body: bytes, secrets: Sequence[bytes], now: datetime
) -> dict[str, str]:
    """Return the headers of one try: the id is the event's, in every try the same.

    One signature per secret, so that a receiver that has either of two accepts it.
    """
    number, stamp = f"msg_{event_id.hex}", str(int(now.timestamp()))
    signed = b".".join((number.encode(), stamp.encode(), body))
    marks = [
        base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets
    ]
    return {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
        "Content-Type": "application/json",
        "User-Agent": "Accord-Webhooks/1",
    }
