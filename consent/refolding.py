"""Whether every permission is what the ledger adds up to: the fold, made again from the start."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from consent.folding import folded
from consent.models import LedgerEvent, Permission, State
from consent.verifying import Fault, Progress, Verification, unchanging_view

_BATCH = 1_000
_COMPARED = ("state", "basis", "since", "event_id", "folded_at", "folded_seq")
_Key = tuple[UUID, str, str]


def verify_permissions(*, progress: Progress = lambda _count: None) -> Verification:
    """Fold the whole ledger again and name every permission that is not what comes out.

    `progress` is called with the number of permissions behind us. Changes nothing.
    """
    found = Verification()
    with unchanging_view():
        expected = _folded_anew()
        while batch := list(islice(expected, _BATCH)):
            _compare(batch, found)
            found.rows += len(batch)
            progress(found.rows)
        for permission in _without_events().iterator(chunk_size=_BATCH):
            found.add(Fault.PERMISSION, f"{_named(permission)} has no event in the ledger.")
    return found


def _folded_anew() -> Iterator[Permission]:
    rows = LedgerEvent.objects.exclude(event_state=State.NOTICE_SHOWN).order_by(
        "subject_id", "purpose_id", "channel", "event_at", "seq"
    )
    for _key, events in groupby(rows.iterator(chunk_size=_BATCH), key=_key_of):
        if (permission := folded(events)) is not None:
            yield permission


def _compare(batch: Iterable[Permission], found: Verification) -> None:
    expected = {_key_of(each): each for each in batch}
    subjects = {key[0] for key in expected}
    held = {_key_of(each): each for each in Permission.objects.filter(subject_id__in=subjects)}
    for key, each in expected.items():
        if key not in held:
            found.add(Fault.PERMISSION, f"{_named(each)} is missing: the ledger has {each.state}.")
        elif wrong := [n for n in _COMPARED if getattr(held[key], n) != getattr(each, n)]:
            found.add(
                Fault.PERMISSION,
                f"{_named(each)} is {held[key].state}, the ledger adds up to {each.state}"
                f" ({', '.join(wrong)}).",
            )


def _without_events() -> QuerySet[Permission]:
    events = LedgerEvent.objects.filter(
        subject_id=OuterRef("subject_id"),
        purpose_id=OuterRef("purpose_id"),
        channel=OuterRef("channel"),
    ).exclude(event_state=State.NOTICE_SHOWN)
    return Permission.objects.filter(~Exists(events))


def _key_of(row: LedgerEvent | Permission) -> _Key:
    return row.subject_id, row.purpose_id, row.channel


def _named(permission: Permission) -> str:
    return f"{permission.purpose_id} by {permission.channel} of {permission.subject_id}"
