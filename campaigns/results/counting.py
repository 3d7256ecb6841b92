"""The worker counts campaigns, so that no page waits for a million rows."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from campaigns.delivery.statements import statement
from campaigns.models import CampaignResult, Comparison, DeliveryState, TrackedLink
from campaigns.results.cells import LEAST, Cell, fold
from campaigns.results.figures import (
    VERSION,
    Figures,
    Ground,
    Measured,
    OptOut,
    Outcome,
    Returned,
    from_document,
    to_document,
)

TRAITS = ("variant", "language", "country", "status")
# How long after a message a "no" is counted as one that followed it.
OPT_OUT_DAYS = 30
# A turn ends so that other bells get theirs.
TURN_SECONDS = 20.0
# Counting takes at most a twentieth of a worker, however many rows a campaign has.
REST = 20
# How long figures may be old, by the age of the launch. Opt-outs are counted for thirty days.
_PACES = (
    (timedelta(days=3), timedelta(minutes=5)),
    (timedelta(days=35), timedelta(hours=1)),
)
_MOVING_PACE, _OLD_PACE = timedelta(seconds=30), timedelta(days=1)


def count_results(*, clock: Callable[[], datetime]) -> int:
    """Count the campaigns whose figures are due, the longest due first; return how many.

    Ends after twenty seconds, or when nothing is due. Safe to call by any number of workers.
    """
    counted, end = 0, time.monotonic() + TURN_SECONDS
    _rows("results_begin", {"now": clock(), "version": VERSION})
    while time.monotonic() < end and _count_next(clock):
        counted += 1
    return counted


def _count_next(clock: Callable[[], datetime]) -> bool:
    with transaction.atomic():
        due = _rows("results_due", {"now": clock()})
        if not due:
            return False
        campaign_id, is_moving, launched_at = due[0]
        began, now = time.monotonic(), clock()
        figures = count(campaign_id=campaign_id)
        took = time.monotonic() - began
        CampaignResult.objects.filter(campaign=campaign_id).update(
            figures=to_document(figures),
            counted_at=now,
            took_ms=round(1000 * took),
            version=VERSION,
            due_at=now + max(_pace(is_moving, now - launched_at), timedelta(seconds=REST * took)),
        )
    return True


def _pace(is_moving: bool, age: timedelta) -> timedelta:
    if is_moving:
        return _MOVING_PACE
    return next((pace for most, pace in _PACES if age < most), _OLD_PACE)


def _rows(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []


def count_again(*, campaign_id: UUID, now: datetime) -> bool:
    """Have the figures of a campaign counted at the worker's next turn; return whether it has any.

    Twice is once.
    """
    rows = CampaignResult.objects.filter(campaign=campaign_id)
    return bool(rows.filter(due_at__gt=now).update(due_at=now)) or rows.exists()


def count(*, campaign_id: UUID) -> Figures:
    """Return the figures of a campaign as they are at this moment, small groups folded.

    While an A/B test waits for its one look, everything is counted as one variant.
    """
    asked = {"campaign": campaign_id, "days": OPT_OUT_DAYS}
    is_blind = Comparison.objects.filter(campaign=campaign_id, decided_at=None).exists()
    outcomes = [
        Outcome(DeliveryState(state).label, *rest)
        for state, *rest in _rows("results_account", asked)
    ]
    opt_outs = [OptOut(*row) for row in _rows("results_opt_outs", asked)]
    if is_blind:
        outcomes = [replace(each, variant=0) for each in outcomes]
        opt_outs = [replace(each, variant=0) for each in opt_outs]
    traits = TRAITS[1:] if is_blind else TRAITS
    return Figures(
        outcomes=outcomes,
        opt_outs=opt_outs,
        grounds=[Ground(*row) for row in _rows("results_bases", asked)],
        returned=[Returned(*row) for row in _rows("results_returns", asked)],
        measured=_measured(campaign_id, traits, _rows("results_measured", asked)),
    )


def _measured(
    campaign_id: UUID, traits: Sequence[str], rows: list[tuple[Any, ...]]
) -> Measured | None:
    found: dict[str, list[Cell]] = defaultdict(list)
    for what, *cell in rows:
        found[what].append(Cell(*cell))
    total = next(iter(found["all"]), None)
    if total is None or total.people < LEAST:
        return None
    followed = {cell.which: cell.people for cell in found["link"]}
    links = TrackedLink.objects.filter(campaign=campaign_id).order_by("position")
    return Measured(
        all=total,
        groups={trait: fold(found[trait]) for trait in traits},
        opened_on=_days(found["opened"]),
        clicked_on=_days(found["clicked"]),
        links=[(link.url, followed.get(str(link.id), 0)) for link in links],
    )


def _days(cells: list[Cell]) -> list[tuple[date, int]]:
    return [(date.fromisoformat(cell.which), cell.people) for cell in cells]


def kept(*, campaign_id: UUID) -> tuple[Figures | None, CampaignResult | None]:
    """Return what was counted of a campaign last, and when; nothing before the first time."""
    row = CampaignResult.objects.filter(campaign=campaign_id).first()
    return (from_document(row.figures), row) if row else (None, None)
