"""What must not be written to, by keyed fingerprint: it outlives the contact."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connections

from consent.models import Purpose, Suppression
from privacy.services import Fingerprints, TokenKind

EVERYTHING = ""


def suppress(
    *,
    fingerprints: Fingerprints,
    purpose_codes: Sequence[str],
    reason: str,
    now: datetime,
) -> None:
    """Remember a "no" for the purposes (EVERYTHING for all of marketing); safe to repeat."""
    marks = [(fingerprints.exact, False)]
    if fingerprints.wide != fingerprints.exact:
        marks.append((fingerprints.wide, True))
    Suppression.objects.bulk_create(
        [
            Suppression(
                kind=TokenKind.EMAIL,
                fingerprint=mark,
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


def is_suppressed(*, fingerprints: Fingerprints, purpose_code: str) -> bool:
    marks = [fingerprints.exact, fingerprints.wide]
    return Suppression.objects.filter(
        kind=TokenKind.EMAIL, fingerprint__in=marks, purpose_code__in=["", purpose_code]
    ).exists()


def are_suppressed(marks: Sequence[bytes], purpose_code: str) -> list[bool]:
    """Ask the gate's own function of every set of fingerprints, in their order."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT consent_is_suppressed(1, m.marks, %s)"
            " FROM unnest(%s::bytea[]) WITH ORDINALITY AS m (marks, place) ORDER BY m.place",
            [purpose_code, list(marks)],
        )
        return [bool(row[0]) for row in cursor.fetchall()]


def lift(*, fingerprints: Fingerprints, purpose_code: str, now: datetime) -> None:
    """Forget a "no" of this person for one purpose, because they confirmed a yes themselves.

    A "no" to everything becomes a "no" to every other marketing purpose.
    """
    marks = Suppression.objects.filter(
        kind=TokenKind.EMAIL, fingerprint__in=[fingerprints.exact, fingerprints.wide]
    )
    if marks.filter(purpose_code=EVERYTHING).exists():
        marketing = Purpose.objects.filter(is_marketing=True).exclude(code=purpose_code)
        suppress(
            fingerprints=fingerprints,
            purpose_codes=list(marketing.values_list("code", flat=True)),
            reason="narrowed",
            now=now,
        )
    marks.filter(purpose_code__in=[EVERYTHING, purpose_code]).delete()
