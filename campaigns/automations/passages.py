"""The statements of a turn: who is due, what became of their mails, where they are now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections

from campaigns.automations.references import reference_of
from campaigns.delivery.statements import statement
from campaigns.models import Delivery, DeliveryKind, StepMove


@dataclass
class Passage:
    """One person in a turn: where they are, how they stand, and what becomes of them."""

    id: UUID
    version_id: UUID
    contact_id: UUID
    step: str
    since: datetime
    failures: int
    # Why the person would not be written to at this moment; empty if they would.
    refusal: str
    due_at: datetime | None = None
    state: str = "active"
    reason: str = ""

    @property
    def reference_id(self) -> UUID:
        return reference_of(self.id, self.step)


def _rows(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []


def claim(*, sequence_id: UUID, now: datetime, size: int) -> list[Passage]:
    """Lock due passages until the transaction ends."""
    rows = _rows("sequences_claim", {"sequence": sequence_id, "now": now, "size": size})
    return [Passage(*row) for row in rows]


@dataclass(frozen=True)
class MailOutcome:
    state: int
    reason: str
    planned_at: datetime


def mail_outcomes(references: Iterable[UUID]) -> dict[UUID, MailOutcome]:
    """What the ledger says of mails, by their references; one that was not planned is absent."""
    rows = Delivery.objects.filter(
        reference_id__in=list(references), kind=DeliveryKind.NEWSLETTER
    ).values_list("reference_id", "state", "reason", "planned_at")
    return {
        reference: MailOutcome(state, reason, planned_at)
        for reference, state, reason, planned_at in rows
    }


def plan_mail(*, campaign_id: UUID, passages: Sequence[Passage], now: datetime) -> None:
    """Plan one mail for each; the same passage and step twice plans one."""
    _rows(
        "sequences_plan_mail",
        {
            "campaign": campaign_id,
            "references": [each.reference_id for each in passages],
            "contacts": [each.contact_id for each in passages],
            "now": now,
        },
    )


def write(*, passages: Sequence[Passage], now: datetime) -> set[UUID]:
    """Write where people are now; return the ids of the passages that had not ended."""
    rows = _rows(
        "sequences_write",
        {
            "now": now,
            "ids": [each.id for each in passages],
            "steps": [each.step for each in passages],
            "since": [each.since for each in passages],
            "due": [each.due_at for each in passages],
            "states": [each.state for each in passages],
            "reasons": [each.reason for each in passages],
            "failures": [each.failures for each in passages],
        },
    )
    return {row[0] for row in rows}


def count_entered(entered: dict[tuple[UUID, str], int]) -> None:
    StepMove.objects.bulk_create(
        StepMove(version_id=version, step=step, entered=number)
        for (version, step), number in sorted(entered.items())
    )


def sum_moves(*, size: int = 20_000) -> int:
    """Sum what counts people into fewer rows; return how many were taken. Safe to repeat."""
    return int(_rows("sequences_sum_moves", {"size": size})[0][0])
