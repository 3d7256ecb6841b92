"""The statements of the delivery ledger, from `campaigns/sql`, as typed calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connections

from campaigns.models import DeliveryState
from privacy.services import JournalHead

_SQL = Path(__file__).resolve().parent.parent / "sql"


@cache
def statement(name: str) -> str:
    """The statement of a file without its comments, whose percent signs would be placeholders."""
    lines = (_SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker holds until its lease ends."""

    id: int
    contact_id: UUID
    reference_id: UUID
    kind: int
    attempts: int
    # Its person agrees to be measured, as the claim saw it; the gate asks again.
    is_measurable: bool = False
    variant: int = 0
    # A message to one person that the law requires: sent again where nobody knows.
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class GateMark:
    """What the gate asks about one message: its row, the fingerprints of its address, and whether
    it was rendered to be measured."""

    id: int
    marks: bytes
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    id: int
    state: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one message; `delay_seconds` counts for what goes back to the queue."""

    id: int
    state: DeliveryState
    reason: str = ""
    evidence: str = ""
    delay_seconds: float = 0.0
    # The relay was not asked, or gave no answer about this message: the try does not count.
    is_uncounted: bool = False


def _rows(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []


# The queue that a turn works on, and the statement with which it takes from it.
CLAIMS: dict[str, str] = {
    "gate": "claim",
    "gate_letters": "claim_letters",
    "gate_single": "claim_single",
}
Gate = Literal["gate", "gate_letters", "gate_single"]


def claim(*, campaign_id: UUID | None, worker: str, size: int, kind: Gate) -> list[Claimed]:
    """Take up to `size` due messages: of a campaign, or of what stands behind another gate."""
    rows = _rows(
        CLAIMS[kind],
        {
            "campaign": campaign_id,
            "worker": worker,
            "size": size,
            "lease": settings.LEASE_SECONDS,
        },
    )
    return [Claimed(*row) for row in sorted(rows)]


def gate(
    *, kind: Gate, marks: Sequence[GateMark], worker: str, head: JournalHead,
) -> list[Verdict]:  # fmt: skip
    """Ask the gate about a batch; a row that is missing from the answer did not move."""
    rows = _rows(
        kind,
        {
            "ids": [mark.id for mark in marks],
            "marks": [mark.marks for mark in marks],
            "measured": [mark.is_measured for mark in marks],
            "worker": worker,
            "lease": settings.LEASE_SECONDS,
            "journal_id": head.journal_id,
            "journal_seq": head.seq,
        },
    )
    return [Verdict(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Written:
    """A row whose outcome was written."""

    id: int
    contact_id: UUID
    state: int
    kind: int
    reference_id: UUID


def record(*, outcomes: Sequence[Outcome], worker: str) -> list[Written]:
    """Write outcomes; return the rows that were still this worker's."""
    rows = _rows(
        "record",
        {
            "ids": [each.id for each in outcomes],
            "states": [int(each.state) for each in outcomes],
            "reasons": [each.reason for each in outcomes],
            "evidence": [each.evidence[:120] for each in outcomes],
            "delays": [each.delay_seconds for each in outcomes],
            "uncounted": [int(each.is_uncounted) for each in outcomes],
            "worker": worker,
        },
    )
    return [Written(*row) for row in rows]


def why_not_single(
    *,
    contact_id: UUID,
    purpose: str,
    lead_id: UUID | None,
    kind: int,
    marks: bytes,
    ground: str = "",
) -> str | None:
    """Return why a message to one person would not pass its gate now; None: it would."""
    parameters = {
        "contact": contact_id,
        "purpose": purpose,
        "lead": lead_id,
        "kind": kind,
        "marks": marks,
        "ground": ground,
    }
    rows = _rows("why_not_single", parameters)
    return rows[0][0] if rows else "purpose_retired"


def expire_leases(*, has_evidence: bool) -> dict[int, int]:
    """Take back what dead workers held; return state -> rows."""
    return dict(_rows("expire_leases", {"has_evidence": has_evidence}))


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message that may or may not be at the relay since `handing_at`."""

    id: int
    contact_id: UUID
    reference_id: UUID
    kind: int
    attempts: int
    handing_at: datetime
    is_required: bool = False


def claim_doubts(*, size: int, again_seconds: float) -> list[Doubt]:
    """Take up to `size` messages in doubt whose time has come."""
    rows = _rows("claim_doubts", {"size": size, "again": again_seconds})
    return [Doubt(*row) for row in sorted(rows)]


def settle_doubts(*, outcomes: Sequence[Outcome]) -> list[Written]:
    """Write what became of messages in doubt; return the rows that still were."""
    rows = _rows(
        "settle_doubts",
        {
            "ids": [each.id for each in outcomes],
            "states": [int(each.state) for each in outcomes],
            "reasons": [each.reason for each in outcomes],
            "evidence": [each.evidence[:120] for each in outcomes],
        },
    )
    return [Written(*row) for row in rows]


def finish(*, campaign_id: UUID | None, now: datetime) -> list[UUID]:
    """End the running campaigns (or this one) in which nothing is open; return their ids."""
    return [row[0] for row in _rows("finish", {"campaign": campaign_id, "now": now})]


def skip_cancelled(*, campaign_id: UUID | None) -> None:
    """Close what still waits in the queue of cancelled campaigns (or of this one)."""
    _rows("skip_cancelled", {"campaign": campaign_id})


def note_measure(
    *, delivery_id: int, open_on: date | None = None, click_on: date | None = None
) -> bool:
    """Keep the later day, if the person agrees at this moment; return whether it was kept."""
    parameters = {"delivery": delivery_id, "open_on": open_on, "click_on": click_on}
    return bool(_rows("note_measure", parameters))


def forget_measures() -> int:
    """Delete what was measured of people who no longer agree to it; return how many rows."""
    return int(_rows("forget_measures", {})[0][0])


def measures(*, campaign_id: UUID) -> tuple[int, int, int]:
    """Return (messages, opened, clicked) among those who agree to be measured."""
    messages, opened, clicked = _rows("measures", {"campaign": campaign_id})[0]
    return messages, opened, clicked


def freeze_audience(
    *, campaign_id: UUID, purpose_code: str, membership: str, parameters: Sequence[Any],
    now: datetime,
) -> tuple[int, int]:  # fmt: skip
    """Plan one message per person who may be written to; return (planned, excluded)."""
    sql = statement("freeze_audience").replace("{membership}", membership)
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, [campaign_id, purpose_code, now, *parameters])
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("The statement answers with one row, always.")
    return int(row[0]), int(row[1])
