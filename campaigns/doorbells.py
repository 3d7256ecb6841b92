"""Bells that wake a worker. A lost bell costs seconds, never a message: the sweep rings again."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger("campaigns")
_EXPIRES_SECONDS = 30


def ring_delivery(campaign_id: UUID) -> None:
    """Say that a campaign has messages due."""
    _ring("campaigns.deliver", {"campaign_id": str(campaign_id)})


def ring_start(campaign_id: UUID) -> None:
    """Say that a campaign waits for its audience to be frozen."""
    _ring("campaigns.start", {"campaign_id": str(campaign_id)})


def ring_letters() -> None:
    """Say that a required letter waits."""
    _ring("campaigns.send_letters", {})


def ring_single() -> None:
    """Say that a message to one person waits."""
    _ring("campaigns.send_single", {})


def ring_images() -> None:
    """Say that a picture waits to be published."""
    _ring("campaigns.publish_images", {})


def ring_preflight() -> None:
    """Say that a campaign waits to be looked at before its launch."""
    _ring("campaigns.look_before_launch", {})


def _ring(name: str, arguments: dict[str, str]) -> None:
    try:
        current_app.send_task(name, kwargs=arguments, expires=_EXPIRES_SECONDS)
    except (OperationalError, OSError):
        logger.warning("the broker did not take the bell %s; the sweep will ring", name)
