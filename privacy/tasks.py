"""Doorbells of the shared core."""

from datetime import UTC, datetime

from celery import shared_task

from privacy import services


@shared_task(name="privacy.refresh_sealing_key")
def refresh_sealing_key() -> None:
    services.refresh_sealing_key(now=datetime.now(UTC))


@shared_task(name="privacy.renew_key_token")
def renew_key_token() -> None:
    services.renew_key_token()


@shared_task(name="privacy.rotate_index")
def rotate_index() -> None:
    services.work_on_index_rotation(now=datetime.now(UTC))


@shared_task(name="privacy.forget_readings")
def forget_readings() -> None:
    services.forget_old_readings(now=datetime.now(UTC))


@shared_task(name="privacy.keep_keys")
def keep_keys() -> None:
    services.keep_keys(now=datetime.now(UTC))


@shared_task(name="privacy.audit_keys")
def audit_keys() -> None:
    services.audit_daily(now=datetime.now(UTC))
