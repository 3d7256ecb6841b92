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


@shared_task(name="crm.work_on_exports")
def work_on_exports() -> None:
    services.work_on_exports(now=datetime.now(UTC))
