"""The door of campaigns. `deploy` imports from here and from nowhere else in `campaigns`."""

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from campaigns.accounts import Progress, progress
from campaigns.archive.publishing import NotToBePublished, mark_public, publish_issues
from campaigns.automations.activating import retire_mails, settle_archived
from campaigns.automations.notices import mail_notices
from campaigns.automations.occasions import stop_on_reply, watch
from campaigns.automations.passages import sum_moves
from campaigns.automations.publishing import NotConfigured, register_publisher
from campaigns.automations.running import run_due
from campaigns.content.library import starter
from campaigns.delivery import doubts, engine, statements
from campaigns.delivery.outcomes import provider_evidence
from campaigns.doorbells import ring_delivery
from campaigns.drafts import (
    ChangedMeanwhile,
    Draft,
    NotADraft,
    change_draft,
    copy_campaign,
    create_draft,
)
from campaigns.finishing import finish_campaigns
from campaigns.images.publishing import publish_images, publish_missing_images
from campaigns.launching import NotReady, Reason, launch, obstacles
from campaigns.measurement.keeping import keep_measures
from campaigns.measurement.links import publish_missing_links
from campaigns.models import Campaign, CampaignState, Delivery, DeliveryState
from campaigns.moving import WrongState, cancel, pause, resume
from campaigns.planning.comparing import (
    AlreadyChosen,
    ComparisonSettings,
    NotYet,
    choose,
    compare_variants,
    decide_due,
)
from campaigns.planning.missing import Missing, NothingMissing, missing, send_missing
from campaigns.planning.scheduling import TooFar, TooSoon, schedule, unschedule
from campaigns.planning.starting import begin_launch, start, start_due
from campaigns.preflight.running import look_before_launch
from campaigns.proofs import message_proof
from campaigns.results.counting import count_again, count_results
from campaigns.returns import consequences, taking, waiting
from campaigns.returns.replies import register_on_reply
from campaigns.returns.words import Words
from campaigns.single.content import NotSendable, SingleContent
from campaigns.single.sending import send_single
from campaigns.single.working import why_not_single, work_on_single
from campaigns.trials import TestNotSent, send_test

# A turn ends so that required letters and other campaigns get theirs.
TURN_SECONDS = 20.0
# They are rung for every two seconds: a long turn would take a process from letters.
SEQUENCES_SECONDS = 5.0


def _worker() -> str:
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{threading.get_ident() % 100_000}"


def deliver(*, campaign_id: UUID, clock: Callable[[], datetime], relay_url: str = "") -> None:
    """Take a turn at sending a campaign; any number of workers may do so at once.

    `relay_url` is another relay than those of the settings, and alone.
    """
    is_more = engine.deliver(
        campaign_id=campaign_id,
        worker=_worker(),
        seconds=TURN_SECONDS,
        clock=clock,
        relay_url=relay_url,
    )
    if is_more:
        ring_delivery(campaign_id)


def send_letters(*, clock: Callable[[], datetime]) -> None:
    """Take a turn at sending required letters."""
    engine.send_letters(worker=_worker(), seconds=TURN_SECONDS, clock=clock)


def send_single_messages(*, clock: Callable[[], datetime]) -> None:
    """Take a turn at sending messages to one person; any number of workers at once."""
    work_on_single(worker=_worker(), seconds=TURN_SECONDS, clock=clock)


def receive_measures(*, now: datetime) -> None:
    """Keep the days of the openings and clicks that wait, of people who agree at this moment.

    Safe to call by any number of workers at once.
    """
    keep_measures(now=now)


def forget_measures() -> int:
    """Delete what was measured of people who no longer agree to it; return how many messages.

    One statement over everybody: it asks how things are, not who said no. Calling twice is safe.
    """
    return statements.forget_measures()


def publish_links() -> None:
    """Give the public side every measured link that it does not have. Calling twice is safe."""
    publish_missing_links()


def resolve_doubts(*, clock: Callable[[], datetime]) -> None:
    """Ask the relay's log about messages of which nobody can tell whether the relay has them.

    Does nothing where no log is configured. Safe to call by any number of workers at once.
    """
    if doubts.has_evidence():
        doubts.resolve(clock=clock)


def delivery_of_provider_message(*, backend: str, message_id: str) -> int | None:
    """Return which message a provider took under that id of its own; None if none is known."""
    if not message_id:
        return None
    evidence = provider_evidence(backend, message_id)[:120]
    found = Delivery.objects.filter(evidence__startswith="api:", evidence=evidence)
    return found.values_list("id", flat=True).first()


def take_returns(*, now: datetime) -> int:
    """Read what came back by mail and by webhook, and do what follows from it.

    Return how many envelopes were opened. Safe to call by any number of workers at once.
    """
    opened = taking.take_in(now=now)
    consequences.apply_waiting(now=now)
    return opened


def forget_returns(*, now: datetime) -> None:
    """Destroy the words of what came back whose time is over, never a wish that nobody has read;
    ring the officer for what waits too long. Calling twice is safe."""
    waiting.forget(now=now)


def words_of_return(*, return_id: UUID) -> Words | None:
    """Return the words that are kept of what came back; None when they are destroyed."""
    return taking.words_of(return_id)


def close_return(*, return_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Say that somebody has looked; the worker destroys the words. Twice is once.

    Raises Return.DoesNotExist.
    """
    taking.close(return_id=return_id, actor_id=actor_id, now=now)


def has_campaigns() -> bool:
    """Return whether anybody has begun a campaign yet."""
    return Campaign.objects.exists()


def run_sequences(*, clock: Callable[[], datetime]) -> int:
    """Take a turn at the sequences: carry on whoever is due; return how many were.

    Any number of workers may do so at once.
    """
    return run_due(clock=clock, seconds=SEQUENCES_SECONDS)


def watch_sequences(*, now: datetime) -> None:
    """Look for who begins a sequence by a segment or a date, and who is at a goal; tidy up.

    Safe to call by any number of workers at once.
    """
    watch(now=now)
    settle_archived(now=now)
    retire_mails(now=now)
    sum_moves()


def send_notices(*, now: datetime) -> int:
    """Mail to colleagues what sequences have asked of them; return how many left.

    Each is tried once: the notice itself is in the program. Safe at once.
    """
    return mail_notices(worker=_worker(), now=now)


def sweep(*, now: datetime) -> None:
    """Take back expired leases, close what is cancelled or done, ring for what is due.

    Safe to call by any number of workers at once.
    """
    statements.expire_leases(has_evidence=doubts.has_evidence())
    statements.skip_cancelled(campaign_id=None)
    finish_campaigns(campaign_id=None, now=now)
    running = Campaign.objects.filter(state=CampaignState.RUNNING).values_list("id", flat=True)
    for campaign_id in running:
        due = Delivery.objects.filter(
            campaign_id=campaign_id, state=DeliveryState.QUEUED, due_at__lte=now
        )
        if due.exists():
            ring_delivery(campaign_id)


__all__ = [
    "AlreadyChosen",
    "ChangedMeanwhile",
    "ComparisonSettings",
    "Draft",
    "Missing",
    "NotADraft",
    "NotConfigured",
    "NotReady",
    "NotSendable",
    "NotToBePublished",
    "NotYet",
    "NothingMissing",
    "Progress",
    "Reason",
    "SingleContent",
    "TestNotSent",
    "TooFar",
    "TooSoon",
    "WrongState",
    "begin_launch",
    "cancel",
    "change_draft",
    "choose",
    "close_return",
    "compare_variants",
    "copy_campaign",
    "count_again",
    "count_results",
    "create_draft",
    "decide_due",
    "deliver",
    "delivery_of_provider_message",
    "forget_measures",
    "forget_returns",
    "has_campaigns",
    "launch",
    "look_before_launch",
    "mark_public",
    "message_proof",
    "missing",
    "obstacles",
    "pause",
    "progress",
    "publish_images",
    "publish_issues",
    "publish_links",
    "publish_missing_images",
    "receive_measures",
    "register_on_reply",
    "register_publisher",
    "resolve_doubts",
    "resume",
    "run_sequences",
    "schedule",
    "send_letters",
    "send_missing",
    "send_notices",
    "send_single",
    "send_single_messages",
    "send_test",
    "start",
    "start_due",
    "starter",
    "stop_on_reply",
    "sweep",
    "take_returns",
    "unschedule",
    "watch_sequences",
    "why_not_single",
    "words_of_return",
]
