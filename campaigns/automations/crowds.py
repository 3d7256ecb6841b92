"""No crowd enters a sequence on one person's word.

A campaign above ACCORD_CAMPAIGN_APPROVAL_SIZE needs a second person. A sequence takes people as
they come, so an import with its tag, or one change of a segment, may bring as many in a day: then
it stops by itself, and somebody else than who activated it lets it go on.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from campaigns.models import Enrolment, EnrolmentState, Sequence, SequenceChange, SequenceState
from crm.services import notify

WITHIN = timedelta(days=1)
NOTICE_KIND = "sequence_held"


class NeedsAnother(Exception):
    """A crowd entered: somebody else than who activated the sequence lets it go on."""


def hold_a_crowd(*, sequence: Sequence, now: datetime) -> bool:
    """Pause a sequence that more people entered within a day than one person may write to; return
    whether it was paused. In the caller's transaction; entries by hand do not count."""
    from campaigns.automations.activating import pause  # it asks occasions, which asks here

    most = int(settings.CAMPAIGN_APPROVAL_SIZE)
    begun = _last_begun(sequence.id)
    since = max(now - WITHIN, begun.at) if begun else now - WITHIN
    # Also who has come to the end already. Index enrolment_of_sequence, once for each state; never
    # more rows than the limit and one.
    entered = Enrolment.objects.filter(
        sequence=sequence,
        state__in=EnrolmentState.values,
        started_at__gte=since,
        started_by=None,
    )
    if entered[: most + 1].count() <= most:
        return False
    pause(sequence_id=sequence.id, actor_id=None, now=now)
    told = begun.actor_id if begun and begun.actor_id else sequence.created_by
    notify(
        account_ids=[told] if told else [],
        kind=NOTICE_KIND,
        reference={"sequence": str(sequence.id)},
        cause=f"{NOTICE_KIND}:{sequence.id}:{now.isoformat()}",
        at=now,
    )
    return True


def held_since(sequence_id: UUID) -> datetime | None:
    """Return when a crowd stopped this sequence, if nobody has let it go on since."""
    begun = _last_begun(sequence_id)
    stops = SequenceChange.objects.filter(
        sequence=sequence_id, actor_id=None, to_state=SequenceState.PAUSED
    )
    if begun is not None:
        stops = stops.filter(id__gt=begun.id)
    return stops.order_by("-id").values_list("at", flat=True).first()


def refuse_the_same(*, sequence_id: UUID, actor_id: UUID | None) -> None:
    """Raises NeedsAnother where this person alone would let a crowd pass."""
    begun = _last_begun(sequence_id)
    if held_since(sequence_id) and begun is not None and begun.actor_id == actor_id:
        raise NeedsAnother(NeedsAnother.__doc__)


def _last_begun(sequence_id: UUID) -> SequenceChange | None:
    changes = SequenceChange.objects.filter(sequence=sequence_id, to_state=SequenceState.ACTIVE)
    return changes.order_by("-id").first()
