"""Doorbells of forms."""

from datetime import UTC, datetime

from celery import shared_task

from forms_intake import services

BATCH = 200


@shared_task(name="forms_intake.receive")
def receive(**_spare: object) -> None:
    """Take in what waits, batch by batch, until a batch is not full."""
    while services.promote_waiting(now=datetime.now(UTC), limit=BATCH).handled == BATCH:
        continue


@shared_task(name="forms_intake.project")
def project(**_spare: object) -> None:
    services.project_forms(now=datetime.now(UTC))
