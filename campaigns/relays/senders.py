"""A sender that a relay refuses: left out of that relay for a while, and nobody else with it.

As with a relay that is out (breaker.py) the pause grows, and one worker tries one message after it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from campaigns.models import SenderRefusal
from campaigns.relays.breaker import FIRST_SECONDS, LONGEST_SECONDS, PROBE_SECONDS
from campaigns.relays.slowing import pause_seconds


def refused_until(*, sender_domain: str) -> Mapping[str, datetime]:
    """Return relay -> until when it is sent nothing from this domain, or when that was over."""
    rows = SenderRefusal.objects.filter(sender_domain=sender_domain)
    return dict(rows.values_list("relay_id", Coalesce("probe_until", "open_until")))


def refuse(*, relay: str, sender_domain: str, at: datetime, jitter: float) -> None:
    """Leave a sender out of a relay, for longer each time in a row.

    Several workers may say so of one refusal: it counts once.
    """
    with transaction.atomic(using="default"):
        SenderRefusal.objects.bulk_create(
            [
                SenderRefusal(
                    relay_id=relay, sender_domain=sender_domain, failed_at=at, open_until=at
                )
            ],
            ignore_conflicts=True,
        )
        row = SenderRefusal.objects.select_for_update().get(
            relay=relay, sender_domain=sender_domain
        )
        if row.open_until > at:
            return
        pause = pause_seconds(
            row.failures, first=FIRST_SECONDS, longest=LONGEST_SECONDS, jitter=jitter
        )
        row.failures, row.failed_at = min(row.failures + 1, 1000), at
        row.open_until, row.probe_until = at + timedelta(seconds=pause), None
        row.save(update_fields=["failures", "failed_at", "open_until", "probe_until"])


def begin_probe(*, relay: str, sender_domain: str, at: datetime) -> bool:
    """Take the one try that a sender has after its pause; return whether it is ours."""
    due = SenderRefusal.objects.filter(
        Q(probe_until=None) | Q(probe_until__lte=at),
        relay=relay,
        sender_domain=sender_domain,
        open_until__lte=at,
    )
    return due.update(probe_until=at + timedelta(seconds=PROBE_SECONDS)) == 1


def give_up_probe(*, relay: str, sender_domain: str) -> None:
    """The try was not made (nothing was due): whoever comes next may make it."""
    SenderRefusal.objects.filter(relay=relay, sender_domain=sender_domain).update(probe_until=None)


def accepted(*, relay: str, sender_domain: str) -> None:
    """The relay dealt with a message of this sender: nothing is wrong. Safe to repeat."""
    SenderRefusal.objects.filter(relay=relay, sender_domain=sender_domain).delete()
