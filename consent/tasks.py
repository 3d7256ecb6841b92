"""Doorbells of consent."""

from datetime import UTC, datetime

from celery import shared_task

from consent import services


@shared_task(name="consent.apply_decisions")
def apply_decisions() -> None:
    services.apply_waiting_decisions(now=datetime.now(UTC))


@shared_task(name="consent.refresh_cards")
def refresh_cards() -> None:
    services.refresh_cards(now=datetime.now(UTC))


@shared_task(name="consent.settle_informed")
def settle_informed() -> None:
    services.settle_informed(now=datetime.now(UTC))
