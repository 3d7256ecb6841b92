"""How often a person wants to hear from us, and until when not at all: theirs to say."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.models import MailingPreference, SubjectCard

# What the page offers: as they come, at most one a week, at most one a month.
FREQUENCIES_DAYS = (0, 7, 30)
PAUSES_MONTHS = (1, 3, 6)
END_OF_PAUSE = "end"


@dataclass(frozen=True)
class Wishes:
    """Days between two messages, and the end of a pause; None where there is no such wish."""

    every_days: int | None = None
    paused_until: datetime | None = None


def wishes_after(held: Wishes, chosen: Mapping[str, object], *, at: datetime) -> Wishes:
    """Return what holds after a choice (`frequency`, `pause`); what is not one changes nothing."""
    every_days, paused_until = held.every_days, held.paused_until
    frequency, pause = str(chosen.get("frequency", "")), str(chosen.get("pause", ""))
    if frequency in map(str, FREQUENCIES_DAYS):
        every_days = int(frequency) or None
    if pause in map(str, PAUSES_MONTHS):
        paused_until = _months_later(at, int(pause))
    elif pause == END_OF_PAUSE:
        paused_until = None
    return Wishes(every_days, paused_until)


def _months_later(at: datetime, months: int) -> datetime:
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def keep_wishes(
    *, subject_id: UUID, chosen: Mapping[str, object], source_id: UUID, at: datetime
) -> None:
    """Keep what was chosen, in the caller's transaction; an older choice that comes late does not
    replace a newer one."""
    row = MailingPreference.objects.select_for_update().filter(subject_id=subject_id).first()
    if row is not None and row.changed_at > at:
        return
    held = Wishes(row.every_days, row.paused_until) if row else Wishes()
    wanted = wishes_after(held, chosen, at=at)
    if wanted == held:
        return
    MailingPreference.objects.update_or_create(
        subject_id=subject_id,
        defaults={
            "every_days": wanted.every_days,
            "paused_until": wanted.paused_until,
            "changed_at": at,
            "source_id": source_id,
        },
    )
    SubjectCard.objects.filter(subject_id=subject_id).update(stale_since=at)
