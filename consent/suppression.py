"""What must not be written to or called, by keyed fingerprint: it outlives the contact."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Count, Q, QuerySet

from consent.addresses import Marks, addresses_of, marks_of
from consent.models import Channel, Purpose, Suppression, SuppressionRekeying
from privacy.services import (
    Fingerprints,
    RetentionClass,
    TokenKind,
    fingerprint_epochs,
    subjects_after,
    writing_fingerprint_epoch,
)

EVERYTHING = ""
# Said more than once: no single one of these can be taken back by itself.
_REPEATED = "repeated"


def suppress(
    *,
    fingerprints: Fingerprints,
    purpose_codes: Sequence[str],
    reason: str,
    now: datetime,
    kind: TokenKind = TokenKind.EMAIL,
) -> None:
    """Remember a "no" for the purposes (EVERYTHING for all of marketing); safe to repeat."""
    if fingerprints.epoch not in fingerprint_epochs():
        return  # a link so old that its key was dropped: nobody could ever ask about this row
    marks = [(fingerprints.exact, False)]
    if fingerprints.wide != fingerprints.exact:
        marks.append((fingerprints.wide, True))
    Suppression.objects.bulk_create(
        [
            Suppression(
                kind=kind,
                fingerprint=mark,
                epoch=fingerprints.epoch,
                purpose_code=code,
                is_wide=is_wide,
                reason=reason,
                created_at=now,
            )
            for mark, is_wide in marks
            for code in purpose_codes
        ],
        ignore_conflicts=True,
    )


def suppress_person(
    *,
    marks: Marks,
    purpose_codes: Sequence[str],
    reason: str,
    now: datetime,
    counts_again: bool = False,
) -> None:
    """Remember a "no" of somebody for the address, and for the number where one may be called.

    A purpose may be narrowed to one channel ("newsletter:email"): then it is kept there alone.
    One that `counts_again` is an act of its own even where the same was said before.
    """
    by_mail = _of_channels(purpose_codes, (Channel.EMAIL,))
    by_phone = _by_phone(_of_channels(purpose_codes, (Channel.PHONE, Channel.SMS)))
    for found, codes, kind in (
        (marks.email, by_mail, TokenKind.EMAIL),
        (marks.phone, by_phone, TokenKind.PHONE),
    ):
        if found is None or not codes:
            continue
        if counts_again:
            older = Suppression.objects.filter(_kept(found, kind), created_at__lt=now)
            older.filter(purpose_code__in=codes).update(created_at=now, reason=_REPEATED)
        suppress(fingerprints=found, purpose_codes=codes, reason=reason, now=now, kind=kind)


def _of_channels(scopes: Sequence[str], channels: Sequence[str]) -> list[str]:
    """Return the purposes that a refusal names as a whole, or for one of these channels."""
    named = [scope.partition(":")[::2] for scope in scopes]
    return list(dict.fromkeys(code for code, channel in named if channel in ("", *channels)))


def _by_phone(purpose_codes: Sequence[str]) -> list[str]:
    """Those purposes of the list for which people are called or sent text messages."""
    calls = Q(channels__contains=[Channel.PHONE]) | Q(channels__contains=[Channel.SMS])
    called = Purpose.objects.filter(calls, code__in=purpose_codes)
    return [
        *(code for code in purpose_codes if code == EVERYTHING),
        *called.order_by("code").values_list("code", flat=True),
    ]


def _kept(fingerprints: Fingerprints, kind: TokenKind) -> Q:
    marks = {mark for each in fingerprints.every for mark in (each.exact, each.wide)}
    return Q(kind=kind, fingerprint__in=marks)


def kept_of(marks: Marks) -> QuerySet[Suppression]:
    """Return every "no" that is kept for this address and this number."""
    found = Q(pk__in=[])
    if marks.email is not None:
        found |= _kept(marks.email, TokenKind.EMAIL)
    if marks.phone is not None:
        found |= _kept(marks.phone, TokenKind.PHONE)
    return Suppression.objects.filter(found)


def marks_for(*, marks: Marks, purpose: Purpose, channel: str) -> Marks:
    """Return those of somebody's marks that a yes to this purpose by this channel speaks about: a
    yes to calls says nothing about the mail of a purpose that has both, nor the other way round."""
    calls = {Channel.PHONE, Channel.SMS}
    is_mail = channel == Channel.EMAIL or Channel.EMAIL not in purpose.channels
    is_call = channel in calls or not calls & set(purpose.channels)
    return Marks(marks.email if is_mail else None, marks.phone if is_call else None)


def is_suppressed(
    *, fingerprints: Fingerprints, purpose_code: str, kind: TokenKind = TokenKind.EMAIL
) -> bool:
    return Suppression.objects.filter(
        _kept(fingerprints, kind), purpose_code__in=[EVERYTHING, purpose_code]
    ).exists()


def is_suppressed_person(*, marks: Marks, purpose_code: str) -> bool:
    """Whether a "no" is kept for the address or for the number."""
    kinds = ((marks.email, TokenKind.EMAIL), (marks.phone, TokenKind.PHONE))
    return any(
        found is not None
        and is_suppressed(fingerprints=found, purpose_code=purpose_code, kind=kind)
        for found, kind in kinds
    )


def are_suppressed(marks: Sequence[bytes], purpose_code: str) -> list[bool]:
    """Ask the gate's own function of every set of fingerprints, in their order."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT consent_is_suppressed(1, m.marks, %s)"
            " FROM unnest(%s::bytea[]) WITH ORDINALITY AS m (marks, place) ORDER BY m.place",
            [purpose_code, list(marks)],
        )
        return [bool(row[0]) for row in cursor.fetchall()]


def lift(*, marks: Marks, purpose_code: str, now: datetime) -> None:
    """Forget a "no" of this person for one purpose, because they confirmed a yes themselves.

    A "no" to everything becomes a "no" to every other marketing purpose. One that was said after
    `now`, the moment of the yes, stays: the yes came late.
    """
    for fingerprints, kind in ((marks.email, TokenKind.EMAIL), (marks.phone, TokenKind.PHONE)):
        if fingerprints is not None:
            _lift(fingerprints, kind, purpose_code, now)


def _lift(fingerprints: Fingerprints, kind: TokenKind, purpose_code: str, now: datetime) -> None:
    kept = Suppression.objects.filter(_kept(fingerprints, kind), created_at__lte=now)
    if kept.filter(purpose_code=EVERYTHING).exists():
        marketing = Purpose.objects.filter(is_marketing=True).exclude(code=purpose_code)
        others = list(marketing.order_by("code").values_list("code", flat=True))
        suppress(
            fingerprints=fingerprints,
            purpose_codes=_by_phone(others) if kind == TokenKind.PHONE else others,
            reason="narrowed",
            now=now,
            kind=kind,
        )
    kept.filter(purpose_code__in=[EVERYTHING, purpose_code]).delete()


# --- under a newer key -----------------------------------------------------------------------


def rows_by_epoch() -> dict[int, int]:
    """Return epoch -> suppressions that only its key can answer for."""
    counted = Suppression.objects.values_list("epoch").annotate(rows=Count("*")).order_by("epoch")
    return dict(counted)


def rekey_suppressions(*, now: datetime, limit: int = 500) -> int:
    """Write anew, under the newest key, the suppressions of the next people whose address is
    known; return how many people were looked at, 0 once everybody was.

    An erased person's cannot be made anew: it stays, and keeps its key alive. A bounded batch and
    one transaction; calling twice is safe, and two workers never walk the same people.
    """
    epoch = writing_fingerprint_epoch()
    if not Suppression.objects.filter(epoch__lt=epoch).exists():
        return 0
    SuppressionRekeying.objects.get_or_create(epoch=epoch, defaults={"started_at": now})
    with transaction.atomic():
        waiting = SuppressionRekeying.objects.select_for_update(skip_locked=True)
        walk = waiting.filter(epoch=epoch, finished_at=None).first()
        if walk is None:
            return 0
        subjects = subjects_after(
            retention_class=RetentionClass.PROFILE, after=walk.after, limit=limit
        )
        if subjects:
            walk.rewritten += _rewrite(subjects, epoch)
            walk.after = subjects[-1]
        else:
            walk.finished_at = now
        walk.save()
    return len(subjects)


def _rewrite(subject_ids: Sequence[UUID], epoch: int) -> int:
    """Move what is kept of these people to their fingerprints of `epoch`; return how many rows."""
    renewed: dict[tuple[int, bytes], bytes] = {}
    for marks in marks_of(list(addresses_of(subject_ids=subject_ids).values())):
        for found, kind in ((marks.email, TokenKind.EMAIL), (marks.phone, TokenKind.PHONE)):
            renewed |= _renewals(found, kind, epoch) if found is not None else {}
    old = Suppression.objects.filter(epoch__lt=epoch, fingerprint__in={m for _k, m in renewed})
    rows = [row for row in old if (row.kind, bytes(row.fingerprint)) in renewed]
    for row in rows:
        _move(row, renewed[row.kind, bytes(row.fingerprint)], epoch)
    return len(rows)


def _move(row: Suppression, mark: bytes, epoch: int) -> None:
    """Changed in place: whoever lifts this "no" meanwhile waits, and then finds the new mark."""
    kept = Suppression.objects.filter(kind=row.kind, purpose_code=row.purpose_code)
    old = kept.filter(fingerprint=row.fingerprint)
    if kept.filter(fingerprint=mark).exists():
        old.delete()
    else:
        old.update(fingerprint=mark, epoch=epoch)


def _renewals(
    fingerprints: Fingerprints, kind: TokenKind, epoch: int
) -> dict[tuple[int, bytes], bytes]:
    """Return (kind, older mark) -> the same one under `epoch`."""
    new = next(each for each in fingerprints.every if each.epoch == epoch)
    older = [each for each in fingerprints.every if each.epoch < epoch]
    exact = {(int(kind), each.exact): new.exact for each in older}
    return exact | {(int(kind), each.wide): new.wide for each in older}
