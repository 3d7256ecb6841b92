"""Doorbells of crm: no arguments; PostgreSQL knows what is due."""

from datetime import UTC, datetime

from celery import shared_task

from crm import services


@shared_task(name="crm.work_on_imports")
def work_on_imports() -> None:
    services.work_on_imports(now=datetime.now(UTC))


@shared_task(name="crm.settle_merges")
def settle_merges() -> None:
    services.settle_merges(now=datetime.now(UTC))


@shared_task(name="crm.close_tickets")
def close_tickets() -> None:
    services.close_overdue_tickets(now=datetime.now(UTC))


@shared_task(name="crm.forget_sign_ins")
def forget_sign_ins() -> None:
    services.forget_sign_ins(now=datetime.now(UTC))


@shared_task(name="crm.ring_reminders")
def ring_reminders() -> None:
    services.ring_reminders(now=_now())


@shared_task(name="crm.reckon_scores")
def reckon_scores() -> None:
    services.reckon_every_score(clock=_now)


@shared_task(name="crm.call_webhooks")
def call_webhooks() -> None:
    services.call_webhooks(clock=_now)


@shared_task(name="crm.forget_notices")
def forget_notices() -> None:
    services.forget_what_was_told(now=_now())


def _now() -> datetime:
    return datetime.now(UTC)


@shared_task(name="crm.work_on_exports")
def work_on_exports() -> None:
    services.work_on_exports(now=datetime.now(UTC))
