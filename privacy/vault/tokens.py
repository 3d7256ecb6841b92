"""Who has which address: keyed tokens in the vault, under every living epoch of the index key.

The oldest living epoch decides: who enrols an address writes there first, takes whoever is there,
and writes under the other epochs what that one says. So an address leads to one subject in every
epoch, and the youngest can take over when it is complete (privacy/index_rotation.py).

Enrolments go side by side. Whatever changes where a token leads, or which epochs live, goes alone:
it would otherwise pass between the two writings of somebody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import connections, transaction

from privacy.models import TokenKind
from privacy.vault import indexes
from privacy.vault.interlock import refuse_while_lost
from privacy.vault.keyring import derived_key
from privacy.vault.ring_files import KeysMissing

Cursor = Any  # Django's wrapper of psycopg's
Row = tuple[TokenKind, int, UUID]
_LOCK = 0x62696478  # "bidx"; no other advisory lock is taken in the vault
_LIVING = "SELECT epoch FROM privacy_indexepoch WHERE retired_at IS NULL ORDER BY epoch"
FIRST = 1


@dataclass(frozen=True)
class Enrolment:
    """The subject of an address; `is_new` tells whether this call made it."""

    subject_id: UUID
    is_new: bool


def token(kind: TokenKind, normalised: str, epoch: int) -> int:
    key = derived_key(f"bidx|{kind.label}|{epoch}", index_epoch=epoch)
    return indexes.index_token(key=key, kind=kind, normalised=normalised)


# --- who may go on at the same time ----------------------------------------------------------


def side_by_side(cursor: Cursor) -> list[int]:
    """Until the end of the transaction no token is led elsewhere; return the living epochs."""
    return _held(cursor, "pg_advisory_xact_lock_shared")


def alone(cursor: Cursor) -> list[int]:
    """Until the end of the transaction nobody enrols; return the living epochs, oldest first."""
    return _held(cursor, "pg_advisory_xact_lock")


def _held(cursor: Cursor, lock: str) -> list[int]:
    # Two statements in one round trip, each with a snapshot of its own: the epochs are read when
    # the lock is held.
    cursor.execute(f"SELECT {lock}({_LOCK}); {_LIVING}")
    cursor.nextset()
    return [row[0] for row in cursor.fetchall()] or [FIRST]


# --- enrolling -------------------------------------------------------------------------------


def enrol(*, email: str, phone: str = "") -> Enrolment:
    """Return the subject of an address, made if it is new; concurrent calls agree on one.

    Raises InvalidAddress. Calling twice is safe.
    """
    address = indexes.normalise_email(email)
    before = find_by_email(emails=[address])
    subject_id = before.get(address) or enrol_many(emails=[address])[address]
    if phone:
        with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
            for epoch in side_by_side(cursor):
                number = token(TokenKind.PHONE, phone, epoch)
                insert_tokens(cursor, epoch, [(TokenKind.PHONE, number, subject_id)])
    return Enrolment(subject_id, address not in before)


def enrol_many(*, emails: Sequence[str]) -> dict[str, UUID]:
    """Return the subject of each normalised address, made where it is new; safe to repeat.

    Raises KeysLost.
    """
    refuse_while_lost()
    unique = list(dict.fromkeys(emails))
    if not unique:
        return {}
    # Time-ordered ids keep the indexes of all three stores dense.
    made = {email: uuid_utils.compat.uuid7() for email in unique}
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        deciding, *others = side_by_side(cursor)
        _write(cursor, deciding, made)
        found = _subjects(cursor, [deciding], unique)[0]
        for epoch in others:
            _write(cursor, epoch, found)
    return found


def _write(cursor: Cursor, epoch: int, subjects: Mapping[str, UUID]) -> None:
    rows = [(TokenKind.EMAIL, token(TokenKind.EMAIL, e, epoch), s) for e, s in subjects.items()]
    insert_tokens(cursor, epoch, rows)


def insert_tokens(cursor: Cursor, epoch: int, rows: Sequence[Row]) -> None:
    """Write tokens; whichever of the two unique rules is met, the first writer wins."""
    # In one order, so that two who wait for each other's tokens cannot be.
    ordered = sorted(rows, key=lambda row: (int(row[0]), row[1]))
    cursor.execute(
        "INSERT INTO bidx (kind, epoch, token, subject_id)"
        " SELECT unnest(%s::int2[]), %s, unnest(%s::int8[]), unnest(%s::uuid[])"
        " ON CONFLICT DO NOTHING",
        [
            [int(kind) for kind, _, _ in ordered],
            epoch,
            [number for _, number, _ in ordered],
            [subject for _, _, subject in ordered],
        ],
    )


# --- finding ---------------------------------------------------------------------------------

# What this process knew of the living epochs the last time; every look-up corrects it.
_KNOWN: dict[str, list[int]] = {"living": [FIRST]}


def find_by_email(*, emails: Sequence[str]) -> dict[str, UUID]:
    """Return address -> subject for the normalised addresses that are known.

    One statement asks under every epoch and says which epochs live: if there is one that was not
    asked about, it is asked again.
    """
    if not emails:
        return {}
    with connections["vault"].cursor() as cursor:
        asked = _openable(cursor, _KNOWN["living"])
        found, living = _subjects(cursor, asked, emails)
        while not set(living) <= set(asked):
            asked = living
            found, living = _subjects(cursor, asked, emails)
    _KNOWN["living"] = living
    return found


def _openable(cursor: Cursor, known: list[int]) -> list[int]:
    """Return what was known, or what is so now when a key of it was dropped meanwhile."""
    try:
        for epoch in known:
            token(TokenKind.EMAIL, "", epoch)
    except KeysMissing:
        cursor.execute(_LIVING)
        return [row[0] for row in cursor.fetchall()] or [FIRST]
    return known


def _subjects(
    cursor: Cursor, epochs: Sequence[int], emails: Sequence[str]
) -> tuple[dict[str, UUID], list[int]]:
    """Return (address -> subject, living epochs), both of one moment."""
    tokens = {e: {token(TokenKind.EMAIL, m, e): m for m in emails} for e in epochs}
    one = "SELECT epoch, token, subject_id FROM bidx WHERE kind = %s AND epoch = %s"
    asked = [f"{one} AND token = ANY(%s::int8[])" for _ in tokens]
    living = "SELECT epoch, NULL, NULL FROM privacy_indexepoch WHERE retired_at IS NULL"
    parameters = [v for e, by in tokens.items() for v in (int(TokenKind.EMAIL), e, list(by))]
    cursor.execute(" UNION ALL ".join([*asked, living]), parameters)
    rows = cursor.fetchall()
    alive = sorted(row[0] for row in rows if row[2] is None) or [FIRST]
    # The oldest is the last to be put in: it decides. What is retired says nothing any more.
    kept = [row for row in rows if row[2] is not None and row[0] in alive]
    tokens_found = sorted(kept, reverse=True)
    return {tokens[e][number]: subject for e, number, subject in tokens_found}, alive
