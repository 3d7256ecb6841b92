"""Reckoning scores: a batch of the oldest at a time, from facts in clear and by one query a rule.

Who objected to offers chosen for them, or to everything, has no score, and neither has anybody
whose data are restricted (GDPR 18 and 21(2)): the rules are not even asked about them.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, Q
from psycopg.types.json import Jsonb

from consent.services import EVERYTHING, Reach
from crm.models import Contact, ContactScore, Lead, ScoreRule
from crm.people import reaches
from crm.scoring.store import hold_rules, rules_changed_at, score_rules
from crm.segments.compile import membership
from crm.targeting import NO, PURPOSE, objectors

_KEEP = (Path(__file__).parent.parent / "sql" / "keep_scores.sql").read_text("utf-8")
BATCH, AGES_IN, SAMPLE = 500, timedelta(days=1), 2_000
OBJECTED, RESTRICTED = "objected", "restricted"


@dataclass(frozen=True)
class Score:
    """The points of a contact and what they are made of: [rule id, points]."""

    points: int | None
    parts: Sequence[tuple[str, int]] = ()
    refusal: str = ""


def let_be_old(*, contact_ids: Iterable[UUID]) -> None:
    """Say that something happened to contacts: they are reckoned next. Safe to repeat."""
    ContactScore.objects.bulk_create(
        [ContactScore(contact_id=number) for number in contact_ids],
        update_conflicts=True,
        unique_fields=["contact"],
        update_fields=["computed_at"],
    )


def forget_score(*, contact_id: UUID, refusal: str) -> None:
    """End the score of somebody who said no, at once. Safe to repeat."""
    ContactScore.objects.filter(contact=contact_id).update(
        points=None, parts=[], refusal=refusal, computed_at=None
    )
    Lead.objects.filter(contact=contact_id).exclude(score=0).update(score=0)


def reckon_scores(*, now: datetime) -> int:
    """Reckon a batch of the scores that are old; return how many.

    Safe to repeat, and by any number of workers at once: each takes others.
    """
    with transaction.atomic():
        hold_rules()
        cutoff = max(now - AGES_IN, rules_changed_at() or now - AGES_IN)
        old = (
            ContactScore.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(Q(computed_at=None) | Q(computed_at__lt=cutoff))
            .order_by(F("computed_at").asc(nulls_first=True), "contact")
        )
        ids = list(old.values_list("contact_id", flat=True)[:BATCH])
        if ids:
            _keep(scores_of(contact_ids=ids, now=now), now)
    return len(ids)


def reckon_every_score(*, clock: Callable[[], datetime], seconds: float = 20.0) -> None:
    """Reckon what is old, batch by batch, for at most so long; the next bell goes on."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at and reckon_scores(now=clock()) == BATCH:
        pass


def scores_of(*, contact_ids: Sequence[UUID], now: datetime) -> dict[UUID, Score]:
    """Return the score of each contact that is there, reckoned now; keeps nothing."""
    people = {row.id: row for row in Contact.objects.filter(id__in=contact_ids)}
    refused = _refused(people)
    asked = {number: row for number, row in people.items() if number not in refused}
    found = _reckoned(score_rules(), asked, now)
    return {**{number: Score(None, (), word) for number, word in refused.items()}, **found}


def _refused(people: Mapping[UUID, Contact]) -> dict[UUID, str]:
    """Return who gets no score, by the word for why."""
    reach = {
        number: Reach(email, phone) for number, (email, phone) in reaches(list(people)).items()
    }
    refused = dict.fromkeys(objectors(reach), OBJECTED)
    # Whose profile does not open could have said no by an address that we cannot compare.
    refused |= dict.fromkeys(people.keys() - reach.keys(), OBJECTED)
    return refused | {number: RESTRICTED for number, row in people.items() if row.restricted_at}


def _reckoned(
    rules: Sequence[ScoreRule], people: Mapping[UUID, Contact], now: datetime
) -> dict[UUID, Score]:
    parts: dict[UUID, list[tuple[str, int]]] = {number: [] for number in people}
    for rule in rules:
        for number in _members(rule, list(people), now):
            points = points_of(rule, people[number].last_act_at, now)
            if points:
                parts[number].append((str(rule.id), points))
    return {number: Score(sum(p for _rule, p in each), each) for number, each in parts.items()}


def _members(rule: ScoreRule, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    clause, parameters = membership(rules=rule.rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT m.id FROM ({clause}) m WHERE m.id = ANY(%s::uuid[])",  # noqa: S608
            [*parameters, list(ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def points_of(rule: ScoreRule, last_act_at: datetime, now: datetime) -> int:
    """Return what a rule gives today: half as much with each half-life since the last act."""
    if rule.half_life_days is None:
        return rule.points
    age = max(now - last_act_at, timedelta(0)) / timedelta(days=rule.half_life_days)
    share: float = 0.5**age
    return round(rule.points * share)


def _keep(scores: Mapping[UUID, Score], now: datetime) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "ids": list(scores),
                "points": [score.points for score in scores.values()],
                "parts": [Jsonb([list(p) for p in score.parts]) for score in scores.values()],
                "refusals": [score.refusal for score in scores.values()],
                "now": now,
            },
        )


def distribution(*, rules: Sequence[ScoreRule], now: datetime) -> list[tuple[int, int]]:
    """Return (points, leads) of the newest leads' contacts as these rules would score them.

    In steps of ten points. A sample, without those who get no score: nobody's profile is opened
    for a preview.
    """
    newest = Lead.objects.order_by("-received_at", "-id").values_list("contact_id", flat=True)
    ids = set(newest[:SAMPLE])
    ids -= set(
        ContactScore.objects.filter(contact__in=ids)
        .exclude(refusal="")
        .values_list("pk", flat=True)
    )
    ids -= _said_no(ids)
    people = {row.id: row for row in Contact.objects.filter(id__in=ids, restricted_at=None)}
    steps: dict[int, int] = {}
    for score in _reckoned(rules, people, now).values():
        step = (score.points or 0) // 10 * 10
        steps[step] = steps.get(step, 0) + 1
    return sorted(steps.items())


def _said_no(ids: Iterable[UUID]) -> set[UUID]:
    """Return who of these objected, though no worker has come to their score yet."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT r.subject_id FROM consent_refusals(%s, 'email') r"
            " WHERE r.subject_id = ANY(%s::uuid[]) AND r.refusal = ANY(%s)",
            [PURPOSE, list(ids), sorted(NO)],
        )
        return {row[0] for row in cursor.fetchall()}


def is_about_everything(purpose_codes: Sequence[str]) -> bool:
    """Whether a no to these purposes ends a score."""
    return any(code.partition(":")[0] in (EVERYTHING, PURPOSE) for code in purpose_codes)
