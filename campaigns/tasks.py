"""Doorbells of campaigns: ids only; the ledger knows what is due."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from celery import shared_task

from campaigns import services


@shared_task(name="campaigns.deliver")
def deliver(*, campaign_id: str, **_later: Any) -> None:
    services.deliver(campaign_id=UUID(campaign_id), clock=_now)


@shared_task(name="campaigns.start")
def start(*, campaign_id: str, **_later: Any) -> None:
    services.start(campaign_id=UUID(campaign_id), now=_now())


@shared_task(name="campaigns.start_due")
def start_due(**_later: Any) -> None:
    services.start_due(now=_now())


@shared_task(name="campaigns.decide_due")
def decide_due(**_later: Any) -> None:
    services.decide_due(now=_now())


@shared_task(name="campaigns.send_letters")
def send_letters(**_later: Any) -> None:
    services.send_letters(clock=_now)


@shared_task(name="campaigns.send_single")
def send_single(**_later: Any) -> None:
    services.send_single_messages(clock=_now)


@shared_task(name="campaigns.sweep")
def sweep(**_later: Any) -> None:
    services.sweep(now=_now())


@shared_task(name="campaigns.resolve_doubts")
def resolve_doubts(**_later: Any) -> None:
    services.resolve_doubts(clock=_now)


@shared_task(name="campaigns.receive_measures")
def receive_measures(**_later: Any) -> None:
    services.receive_measures(now=_now())


@shared_task(name="campaigns.forget_measures")
def forget_measures(**_later: Any) -> None:
    services.forget_measures()


@shared_task(name="campaigns.publish_links")
def publish_links(**_later: Any) -> None:
    services.publish_links()


@shared_task(name="campaigns.publish_issues")
def publish_issues(**_later: Any) -> None:
    services.publish_issues()


@shared_task(name="campaigns.count_results")
def count_results(**_later: Any) -> None:
    services.count_results(clock=_now)


@shared_task(name="campaigns.run_sequences")
def run_sequences(**_later: Any) -> None:
    services.run_sequences(clock=_now)


@shared_task(name="campaigns.watch_sequences")
def watch_sequences(**_later: Any) -> None:
    services.watch_sequences(now=_now())


@shared_task(name="campaigns.send_notices")
def send_notices(**_later: Any) -> None:
    services.send_notices(now=_now())


@shared_task(name="campaigns.publish_images")
def publish_images(**_later: Any) -> None:
    services.publish_images(now=_now())


@shared_task(name="campaigns.publish_missing_images")
def publish_missing_images(**_later: Any) -> None:
    services.publish_missing_images(now=_now())


@shared_task(name="campaigns.look_before_launch")
def look_before_launch(**_later: Any) -> None:
    services.look_before_launch(clock=_now)


@shared_task(name="campaigns.take_returns")
def take_returns(**_later: Any) -> None:
    services.take_returns(now=_now())


@shared_task(name="campaigns.forget_returns")
def forget_returns(**_later: Any) -> None:
    services.forget_returns(now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
