"""The statements of the delivery ledger, from `campaigns/sql`, as typed calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connections, models
from django.db.models import Func

from campaigns.models import LETTER_KINDS, SINGLE_KINDS, Delivery, DeliveryState
from privacy.services import JournalHead


class ClockTimestamp(Func):
    """The clock of the database, as it moves on."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


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
    # Said of our account at the relay, whoever the sender is.
    is_about_account: bool = False


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


def is_due(*, campaign_id: UUID | None, kind: Gate) -> bool:
    """Say whether a campaign, or what stands behind another gate, has a message that is due."""
    due = Delivery.objects.filter(state=DeliveryState.QUEUED, due_at__lte=ClockTimestamp())
    if campaign_id is None:
        kinds = SINGLE_KINDS if kind == "gate_single" else LETTER_KINDS
        return due.filter(campaign=None, kind__in=kinds).exists()
    return due.filter(campaign_id=campaign_id).exists()


def gate(
    *, kind: Gate, marks: Sequence[GateMark], worker: str, head: JournalHead, relay: str = "",
) -> list[Verdict]:  # fmt: skip
    """Ask the gate about a batch that would leave over this relay; a row that is missing from the
    answer did not move."""
    rows = _rows(
        kind,
        {
            "ids": [mark.id for mark in marks],
            "marks": [mark.marks for mark in marks],
            "measured": [mark.is_measured for mark in marks],
            "worker": worker,
            "relay": relay,
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
    # The relay it was handed to; empty: not known.
    relay: str = ""


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
    *,
    delivery_id: int,
    open_on: date | None = None,
    click_on: date | None = None,
    link_id: UUID | None = None,
) -> bool:
    """Keep the later day, if the person agrees at this moment; return whether it was kept."""
    days = {"open_on": open_on, "click_on": click_on}
    return bool(_rows("note_measure", {"delivery": delivery_id, "link": link_id, **days}))


def forget_measures() -> int:
    """Delete what was measured of people who no longer agree to it; return how many rows."""
    return int(_rows("forget_measures", {})[0][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """How an audience is frozen: its round, when each message is due, and who gets which variant.

    `zones` are countries with a moment of their own; everybody else gets `due_at`, or now. The
    share `sample` gets one of `variants` by chance; the rest `rest_variant`, in `rest_state`.
    """

    round: int = 1
    due_at: datetime | None = None
    zones: Mapping[str, datetime] = field(default_factory=dict)
    variants: int = 1
    sample: float = 0.0
    rest_state: DeliveryState = DeliveryState.QUEUED
    rest_variant: int = 0


_AT_LAUNCH = Freeze()
# The digest is asked for where somebody is drawn: a million of them cost seconds.
_DRAW, _NO_DRAW = "md5(launch.campaign_id::text || j.id::text)", "'0000000000000000'"


def freeze_audience(
    *, campaign_id: UUID, purpose_code: str, membership: str, parameters: Sequence[Any],
    now: datetime, how: Freeze = _AT_LAUNCH,
) -> tuple[int, int]:  # fmt: skip
    """Plan one message per person who may be written to; return (planned, excluded)."""
    sql = _with_members("freeze_audience", membership)
    sql = sql.replace("{draw}", _DRAW if how.sample else _NO_DRAW)
    given = [
        *(campaign_id, purpose_code, now, how.round, how.due_at, how.sample, how.variants),
        *(int(how.rest_state), how.rest_variant, list(how.zones), list(how.zones.values())),
        *parameters,
    ]
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, given)
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("The statement answers with one row, always.")
    return int(row[0]), int(row[1])


def _with_members(name: str, membership: str) -> str:
    judged = statement("judged").replace("{membership}", membership)
    return statement(name).replace("{judged}", judged)


def count_missing(
    *, campaign_id: UUID, purpose_code: str, membership: str, parameters: Sequence[Any],
    now: datetime,
) -> int:  # fmt: skip
    """Return how many may be written to now and have no message of this campaign."""
    sql = _with_members("count_missing", membership)
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, [campaign_id, purpose_code, now, *parameters])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def retake(
    *, campaign_id: UUID, number: int, with_failed: bool, with_unknown: bool
) -> dict[int, int]:
    """Queue failed and unknown messages again, in a later round; return state before -> rows."""
    parameters = {
        "campaign": campaign_id,
        "round": number,
        "with_failed": with_failed,
        "with_unknown": with_unknown,
    }
    return dict(_rows("retake", parameters))


def release_held(*, campaign_id: UUID, variant: int) -> int:
    """Let everybody go who was held back, with this variant; return how many."""
    return int(_rows("release_held", {"campaign": campaign_id, "variant": variant})[0][0])


def tally(*, campaign_id: UUID, rule: str) -> dict[int, tuple[int, int]]:
    """Return per variant of the sample (messages that count, of them with the event)."""
    rows = _rows("tally", {"campaign": campaign_id, "rule": rule})
    return {variant: (messages, events) for variant, messages, events in rows}


def start_due(*, now: datetime) -> list[UUID]:
    """Move what is scheduled and due to starting; return the ids."""
    return [row[0] for row in _rows("start_due", {"now": now})]
