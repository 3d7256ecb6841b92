"""Doorbells of consent."""

import logging
from datetime import UTC, datetime

from celery import shared_task

from consent import services

logger = logging.getLogger(__name__)


@shared_task(name="consent.apply_decisions")
def apply_decisions() -> None:
    services.apply_waiting_decisions(now=datetime.now(UTC))


@shared_task(name="consent.make_receipts")
def make_receipts() -> None:
    services.make_waiting_receipts(now=datetime.now(UTC))


@shared_task(name="consent.refresh_cards")
def refresh_cards() -> None:
    services.refresh_cards(now=datetime.now(UTC))


@shared_task(name="consent.rekey_suppressions")
def rekey_suppressions() -> None:
    services.rekey_suppressions(now=datetime.now(UTC))


@shared_task(name="consent.settle_informed")
def settle_informed() -> None:
    services.settle_informed(now=datetime.now(UTC))


@shared_task(name="consent.seal_ledger")
def seal_ledger() -> None:
    try:
        services.seal_ledger(now=datetime.now(UTC))
    except services.SealBroken as error:
        # Every bell says it again until somebody has looked; nothing else stops.
        logger.error("%s", error)
