"""Bells that wake a worker. A lost bell costs seconds: the sweep rings again."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger("crm")
_EXPIRES_SECONDS = 30


def ring_imports() -> None:
    """Say that an import waits for the worker."""
    _ring("crm.work_on_imports")


def ring_exports() -> None:
    """Say that an export waits for the worker."""
    _ring("crm.work_on_exports")


def ring_merges() -> None:
    """Say that two contacts are to be made one."""
    _ring("crm.settle_merges")


def ring_webhooks() -> None:
    """Say that another system is to be told something."""
    _ring("crm.call_webhooks")


def ring_scores() -> None:
    """Say that scores are old."""
    _ring("crm.reckon_scores")


def _ring(name: str) -> None:
    try:
        current_app.send_task(name, expires=_EXPIRES_SECONDS)
    except (OperationalError, OSError):
        logger.warning("the broker did not take the bell %s; the sweep will ring", name)
