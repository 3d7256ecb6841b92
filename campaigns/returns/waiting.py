"""What waits for a person: who is told of it, for how long its words are kept, and their end."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from campaigns.models import Return, WebhookToken
from campaigns.returns.kinds import Kind
from campaigns.returns.words import KEPT_FOR
from crm.services import accounts_in, notify
from privacy.services import RetentionClass, destroy_documents

logger = logging.getLogger("campaigns.returns")
# Who is rung: who writes campaigns, and the data protection officer.
RUNG = ("marketing", "communication", "dpo")
WISH, OVERDUE = "return_wish", "return_overdue"
# A month to answer somebody (GDPR 12(3)): the officer hears of it while there is time left.
OVERDUE_AFTER = timedelta(days=20)
# What a row says of a person's message is of no use after that.
_ROWS_KEPT = timedelta(days=400)
# A request of a mail service is refused when it is older than five minutes; one that waits for a
# worker longer than that has its token remembered all the same.
_TOKENS_KEPT = timedelta(days=30)


def unseen() -> QuerySet[Return]:
    """What may be somebody's wish and nobody has looked at: never destroyed in this state."""
    return Return.objects.filter(
        Q(is_wish=True) | Q(kind=Kind.UNKNOWN), is_kept=True, looked_at=None
    )


def wishes() -> QuerySet[Return]:
    """The wishes that wait, oldest first."""
    rows = Return.objects.filter(is_wish=True, is_kept=True, looked_at=None)
    return rows.order_by("received_at", "id")


def ring(*, at: datetime) -> None:
    """Ring the bell: a wish waits. Once an hour, however many come: anybody may write to us."""
    notify(
        account_ids=accounts_in(*RUNG),
        kind=WISH,
        reference={},
        cause=f"{WISH}:{at:%Y%m%d%H}",
        at=at,
    )


def forget(*, now: datetime) -> int:
    """Destroy the words that somebody has looked at, and those of what is nobody's wish after
    thirty days; delete rows of more than 400 days ago. Return how many words were destroyed.

    What may be a wish stays until somebody has looked, and after twenty days the officer is rung
    every day. Calling twice is safe.
    """
    late = Return.objects.filter(is_kept=True, received_at__lt=now - KEPT_FOR, looked_at=None)
    late = late.exclude(is_wish=True).exclude(kind=Kind.UNKNOWN)
    seen = Return.objects.filter(is_kept=True, looked_at__isnull=False)
    unread = list(late.values_list("id", flat=True)[:1_000])
    ids = [*unread, *seen.values_list("id", flat=True)[:1_000]]
    destroy_documents(subject_ids=ids, retention_class=RetentionClass.ACTIVITY)
    Return.objects.filter(id__in=ids).update(is_kept=False)
    if unread:
        logger.warning("%s returns were destroyed after thirty days, unread", len(unread))
    Return.objects.filter(received_at__lt=now - _ROWS_KEPT, is_kept=False).delete()
    WebhookToken.objects.filter(used_at__lt=now - _TOKENS_KEPT).delete()
    _ring_officer(now)
    return len(ids)


def _ring_officer(now: datetime) -> None:
    if not unseen().filter(received_at__lt=now - OVERDUE_AFTER).exists():
        return
    notify(
        account_ids=accounts_in("dpo"),
        kind=OVERDUE,
        reference={},
        cause=f"{OVERDUE}:{now:%Y%m%d}",
        at=now,
    )
