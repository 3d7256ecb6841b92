"""Doorbells of the shared core."""

from datetime import UTC, datetime

from celery import shared_task

from privacy import services


@shared_task(name="privacy.refresh_sealing_key")
def refresh_sealing_key() -> None:
    services.refresh_sealing_key(now=datetime.now(UTC))


@shared_task(name="privacy.forget_readings")
def forget_readings() -> None:
    services.forget_old_readings(now=datetime.now(UTC))
