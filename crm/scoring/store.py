"""Score rules: made, changed, archived and brought back. Each change lets every score be old."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import connections, transaction
from django.db.models import DateTimeField, Func, Max

from crm.doorbells import ring_scores
from crm.models import ScoreRule
from crm.segments.rules import parse

RULES_MAX, POINTS_MAX = 20, 100


class ScoreRuleUnknown(LookupError):
    """There is no such rule."""


class TooManyRules(Exception):
    """There are as many rules as may be."""


@dataclass(frozen=True, kw_only=True)
class RuleDraft:
    """What a person writes of a rule."""

    name: str
    rules: Mapping[str, Any]
    points: int
    half_life_days: int | None


def score_rules() -> list[ScoreRule]:
    """Return the rules that count, in their order."""
    return list(ScoreRule.objects.filter(archived_at=None).order_by("position", "id"))


def create_rule(*, draft: RuleDraft, actor_id: UUID, now: datetime) -> UUID:
    """Keep a rule; twice keeps two. Raises InvalidRules and TooManyRules."""
    parse(draft.rules)
    with transaction.atomic():
        there = score_rules()
        if len(there) >= RULES_MAX:
            raise TooManyRules(TooManyRules.__doc__)
        rule = ScoreRule.objects.create(
            id=uuid_utils.compat.uuid7(),
            position=1 + max((one.position for one in there), default=0),
            created_at=now,
            created_by=actor_id,
            updated_at=now,
            **_values(draft),
        )
        _let_all_be_old(rule.id)
    return rule.id


def change_rule(*, rule_id: UUID, draft: RuleDraft, now: datetime) -> None:
    """Replace what a rule says. Safe to repeat. Raises InvalidRules and ScoreRuleUnknown."""
    parse(draft.rules)
    with transaction.atomic():
        rows = ScoreRule.objects.filter(id=rule_id, archived_at=None)
        if not rows.update(updated_at=now, **_values(draft)):
            raise ScoreRuleUnknown(ScoreRuleUnknown.__doc__)
        _let_all_be_old(rule_id)


def archive_rule(*, rule_id: UUID, now: datetime) -> None:
    """Let a rule count no more; safe to repeat. Raises ScoreRuleUnknown."""
    if not ScoreRule.objects.filter(id=rule_id).exists():
        raise ScoreRuleUnknown(ScoreRuleUnknown.__doc__)
    with transaction.atomic():
        ScoreRule.objects.filter(id=rule_id, archived_at=None).update(archived_at=now)
        _let_all_be_old(rule_id)


def restore_rule(*, rule_id: UUID) -> None:
    """Let an archived rule count again; safe to repeat. Raises as archive_rule, TooManyRules."""
    with transaction.atomic():
        if len(score_rules()) >= RULES_MAX:
            raise TooManyRules(TooManyRules.__doc__)
        if not ScoreRule.objects.filter(id=rule_id).update(archived_at=None):
            raise ScoreRuleUnknown(ScoreRuleUnknown.__doc__)
        _let_all_be_old(rule_id)


def _values(draft: RuleDraft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "rules": dict(draft.rules),
        "points": draft.points,
        "half_life_days": draft.half_life_days,
    }


# Of this number a change of rules holds the lock alone, and whoever reckons shares it.
_LOCK = 0x5C0_0BE5


class _Clock(Func):
    """The clock of the database, as it moves on."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def hold_rules(*, is_changing: bool = False) -> None:
    """Let the rules stay as they are until this transaction ends, or change them alone."""
    name = "pg_advisory_xact_lock" if is_changing else "pg_advisory_xact_lock_shared"
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s)", [_LOCK])


def rules_changed_at() -> datetime | None:
    """Return when a rule was last changed: what was reckoned before is old."""
    latest: datetime | None = ScoreRule.objects.aggregate(latest=Max("updated_at"))["latest"]
    return latest


def _let_all_be_old(rule_id: UUID) -> None:
    """Say that the rules changed now. However many scores there are, none of them is touched: the
    worker compares. The moment is taken behind the lock, so that no batch reckoned with the rules
    as they were is younger than it."""
    hold_rules(is_changing=True)
    ScoreRule.objects.filter(id=rule_id).update(updated_at=_Clock())
    transaction.on_commit(ring_scores, using="default", robust=True)
