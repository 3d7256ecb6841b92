"""What the worker makes of sightings: the day of the last one, of people who agree now."""

from datetime import date, datetime

from django.utils import timezone

from campaigns.delivery import statements
from campaigns.measurement import CLICK, OPEN
from campaigns.measurement.noticing import KIND
from privacy.services import NotOurLink, OpenedEnvelope, drain_envelopes, read_measure_link


def keep_measures(*, now: datetime, limit: int = 500) -> int:
    """Give effect to the sightings that wait; return how many were dealt with.

    A token that we did not make, a message that left unmeasured, a person who does not agree at
    this moment: it is dropped without a trace, for it is nobody's decision. Calling twice is safe.
    """
    latest = timezone.localdate(now)

    def keep(envelope: OpenedEnvelope) -> None:
        scope = envelope.context
        if scope not in (OPEN, CLICK):
            return
        try:
            link = read_measure_link(scope=scope, token=str(envelope.document.get("token", "")))
            on = date.fromisoformat(str(envelope.document.get("on", "")))
        except (NotOurLink, ValueError):
            return
        on = min(on, latest)
        statements.note_measure(
            delivery_id=link.delivery_id,
            open_on=on if scope == OPEN else None,
            click_on=on if scope == CLICK else None,
            link_id=link.link_id if scope == CLICK else None,
        )

    return drain_envelopes(kind=KIND, handle=keep, limit=limit, now=now).handled
