"""Letters that a person must be sent whatever they agreed to: planned here, carried by a courier.

A letter holds nothing that was typed into a form: anybody can type anything, and any address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import uuid_utils.compat

from consent.models import LetterRequest, Notice

CONFIRMATION, INFORMATION, OPTED_OUT = "confirmation", "information", "opted_out"


@dataclass(frozen=True)
class Letter:
    """What a letter says: the values of its template's fields, by name."""

    language: str
    values: Mapping[str, str]
    expires_at: datetime | None = None


class Courier(Protocol):
    """Whoever can send required letters; campaigns registers itself."""

    def plan_letter(
        self, *, kind: str, reference_id: UUID, subject_id: UUID, now: datetime
    ) -> None: ...

    def plan_letters(self, *, kind: str, letters: Mapping[UUID, UUID], now: datetime) -> None:
        """Plan many at once: request -> the person it goes to."""
        ...


_COURIERS: list[Courier] = []
_WRITERS: dict[str, Callable[[UUID, str, datetime], Letter | None]] = {}
_AFTERWARDS: dict[str, Callable[[Sequence[LetterRequest], datetime], None]] = {}


def register_courier(courier: Courier) -> None:
    """Say who sends the letters; the last one registered does."""
    _COURIERS[:] = [courier]


def register_letter(
    kind: str,
    write: Callable[[UUID, str, datetime], Letter | None],
    afterwards: Callable[[Sequence[LetterRequest], datetime], None] | None = None,
) -> None:
    """Say who writes a kind of letter (request id, address, now), and what follows its handing
    over."""
    _WRITERS[kind] = write
    if afterwards is not None:
        _AFTERWARDS[kind] = afterwards


def hand_to_courier(*, kind: str, reference_id: UUID, subject_id: UUID, now: datetime) -> None:
    """Have one letter sent, in the caller's transaction; the same request twice is one letter."""
    for courier in _COURIERS:
        courier.plan_letter(kind=kind, reference_id=reference_id, subject_id=subject_id, now=now)


def plan_letter(
    *,
    kind: str,
    subject_id: UUID,
    source_id: UUID,
    language: str,
    now: datetime,
    notice: Notice | None = None,
    purpose_code: str | None = None,
    address_fingerprint: bytes | None = None,
) -> UUID:
    """Keep a request for a letter, hand it to the courier and return its id; idempotent by
    (kind, source, subject)."""
    request, _is_new = LetterRequest.objects.get_or_create(
        kind=kind,
        source_id=source_id,
        subject_id=subject_id,
        defaults={
            "id": uuid_utils.compat.uuid7(),
            "language": language,
            "requested_at": now,
            "notice": notice,
            "purpose_id": purpose_code,
            "address_fingerprint": address_fingerprint,
        },
    )
    hand_to_courier(kind=kind, reference_id=request.id, subject_id=subject_id, now=now)
    return request.id


@dataclass(frozen=True)
class Told:
    """To whom one of many letters of information goes, and what it shows."""

    subject_id: UUID
    marks: bytes
    notice: Notice


def plan_information(
    *, people: Sequence[Told], source_id: UUID, purpose_code: str, now: datetime
) -> None:
    """Have one letter of information sent to each, in a few statements for a thousand.

    In the caller's transaction; idempotent by (source, subject).
    """
    LetterRequest.objects.bulk_create(
        [
            LetterRequest(
                id=uuid_utils.compat.uuid7(),
                kind=INFORMATION,
                source_id=source_id,
                subject_id=each.subject_id,
                language=each.notice.language,
                requested_at=now,
                notice=each.notice,
                purpose_id=purpose_code,
                # All of them, as the gate's functions take them: asked again before it counts.
                address_fingerprint=each.marks,
            )
            for each in people
        ],
        ignore_conflicts=True,
    )
    waiting = LetterRequest.objects.filter(
        kind=INFORMATION,
        source_id=source_id,
        subject_id__in=[each.subject_id for each in people],
        handed_over_at=None,
    )
    planned = dict(waiting.values_list("id", "subject_id"))
    for courier in _COURIERS:
        courier.plan_letters(kind=INFORMATION, letters=planned, now=now)


def write_letter(*, kind: str, reference_id: UUID, email: str, now: datetime) -> Letter | None:
    """Return what to write to this address, or None when the letter is no longer wanted.

    Reads only. Raises KeyError for a kind that nobody registered.
    """
    return _WRITERS[kind](reference_id, email, now)


def letters_handed_over(*, request_ids: Sequence[UUID], now: datetime) -> None:
    """Note that the relay has these letters; what follows from that happens once."""
    waiting = LetterRequest.objects.select_for_update().filter(
        id__in=request_ids, handed_over_at=None
    )
    requests = list(waiting.order_by("id"))
    LetterRequest.objects.filter(id__in=[each.id for each in requests]).update(handed_over_at=now)
    for kind, follow in _AFTERWARDS.items():
        if mine := [each for each in requests if each.kind == kind]:
            follow(mine, now)
