"""What begins a passage and what ends one from outside: events as they happen, and what is looked
for from time to time.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Q
from django.utils.timezone import get_default_timezone

from campaigns.automations.calendar import at_hour
from campaigns.automations.crowds import hold_a_crowd
from campaigns.automations.definition import read_definition
from campaigns.automations.enrolling import drop_mails, end, enrol
from campaigns.automations.references import reference_of
from campaigns.models import Enrolment, EnrolmentState, Sequence, SequenceState
from crm.services import membership

# How often the segment of a sequence is looked at, and who is at its goal.
WATCH_EVERY = timedelta(minutes=10)
# Days that nobody saw to (the worker was away, the sequence paused) are made up for, up to here:
# a word about something in thirty days is none in ten.
CATCH_UP_DAYS = 3
# People of a day's date begin at this hour: nobody is written to at midnight.
DATE_HOUR = 9
_YEARS = 120


# --- as it happens ---------------------------------------------------------------------------


def hear(kind: str, contact_ids: Many[UUID], code: str, at: datetime) -> None:
    """A lead came, or a tag was put on: in the transaction of that."""
    if kind == "tagged":
        _end_by_tag(contact_ids, code, at)
    trigger = {"lead": "form", "tagged": "tag"}.get(kind, "")
    begun = Sequence.objects.filter(
        state=SequenceState.ACTIVE,
        current__trigger_kind=trigger,
        current__trigger_code=code,
    )
    for sequence in begun.select_related("current").order_by("id"):
        if enrol(sequence=sequence, contact_ids=contact_ids, now=at):
            hold_a_crowd(sequence=sequence, now=at)


def _end_by_tag(contact_ids: Many[UUID], slug: str, now: datetime) -> None:
    inside = Enrolment.objects.filter(
        contact_id__in=contact_ids,
        state=EnrolmentState.ACTIVE,
        version__definition__exit_tags__contains=[slug],
    )
    rows = list(inside.select_for_update(of=("self",)).order_by("id"))
    if rows:
        end(rows, EnrolmentState.EXITED, "tag", now)


def stop_by_reply(*, contact_id: UUID, campaign_id: UUID | None, at: datetime) -> None:
    """What follows in sequences from an answer, whatever it answered."""
    stop_on_reply(contact_id=contact_id, at=at)


def stop_on_reply(*, contact_id: UUID, at: datetime) -> int:
    """End the passages of somebody who answered, where the sequence says so; return how many.

    Only those that had begun before the answer. Safe twice. Inside the caller's transaction, or
    in its own.
    """
    with transaction.atomic(using="default"):
        inside = Enrolment.objects.filter(
            contact_id=contact_id,
            state=EnrolmentState.ACTIVE,
            started_at__lte=at,
            version__definition__exits_on_reply=True,
        )
        rows = list(inside.select_for_update(of=("self",)).order_by("id"))
        if rows:
            end(rows, EnrolmentState.EXITED, "reply", at)
    return len(rows)


def follow_merge(kept_id: UUID, absorbed_id: UUID) -> None:
    """The passages of the absorbed contact become the kept one's; where both are in the same
    sequence, the kept one's goes on."""
    with connections["default"].cursor() as cursor:
        for statement in _MERGE:
            cursor.execute(statement, {"kept": kept_id, "absorbed": absorbed_id})


_MERGE = (
    # A mail that waits in the queue goes to whom the person is now.
    "UPDATE campaigns_delivery d SET contact_id = %(kept)s FROM campaigns_campaign k"
    " WHERE k.id = d.campaign_id AND k.mode = 'sequence' AND d.contact_id = %(absorbed)s"
    " AND d.state = 1 AND NOT EXISTS (SELECT 1 FROM campaigns_sequencemail m"
    " JOIN campaigns_sequenceversion v ON v.id = m.version_id,"
    " campaigns_enrolment a, campaigns_enrolment b WHERE m.campaign_id = d.campaign_id"
    " AND a.sequence_id = v.sequence_id AND b.sequence_id = v.sequence_id"
    " AND a.state = 'active' AND b.state = 'active'"
    " AND a.contact_id = %(absorbed)s AND b.contact_id = %(kept)s)",
    "UPDATE campaigns_enrolment a SET state = 'exited', reason = 'merged', due_at = NULL,"
    " ended_at = clock_timestamp() WHERE a.contact_id = %(absorbed)s AND a.state = 'active'"
    " AND EXISTS (SELECT 1 FROM campaigns_enrolment b WHERE b.sequence_id = a.sequence_id"
    " AND b.contact_id = %(kept)s AND b.state = 'active')",
    "UPDATE campaigns_enrolment a SET contact_id = %(kept)s WHERE a.contact_id = %(absorbed)s"
    " AND NOT EXISTS (SELECT 1 FROM campaigns_enrolment b WHERE b.sequence_id = a.sequence_id"
    " AND b.contact_id = %(kept)s AND b.occurrence = a.occurrence)",
    "INSERT INTO campaigns_sequencemember (sequence_id, contact_id)"
    " SELECT sequence_id, %(kept)s FROM campaigns_sequencemember WHERE contact_id = %(absorbed)s"
    " ON CONFLICT DO NOTHING",
    "UPDATE campaigns_colleaguenotice SET contact_id = %(kept)s WHERE contact_id = %(absorbed)s",
)


# --- from time to time -----------------------------------------------------------------------


def watch(*, now: datetime) -> int:
    """Look at segments, dates and goals of the active sequences that are due for it; return how
    many people entered. Safe at once and to repeat: one worker has a sequence at a time."""
    due = Sequence.objects.filter(state=SequenceState.ACTIVE).filter(
        Q(watched_at=None) | Q(watched_at__lte=now - WATCH_EVERY)
    )
    return sum(_watch_one(number, now) for number in due.values_list("id", flat=True))


def _watch_one(sequence_id: UUID, now: datetime) -> int:
    with transaction.atomic(using="default"):
        sequence = (
            Sequence.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("current")
            .filter(id=sequence_id, state=SequenceState.ACTIVE)
            .first()
        )
        if sequence is None or sequence.current is None:
            return 0
        if sequence.watched_at and sequence.watched_at > now - WATCH_EVERY:
            return 0
        definition = read_definition(sequence.current.definition)
        entered = 0
        if definition.trigger["kind"] == "segment":
            entered = _enter_segment(sequence, definition.trigger, now)
        elif definition.trigger["kind"] == "date":
            entered = _enter_dates(sequence, definition.trigger, now)
        if definition.goal.get("rules"):
            _end_at_goal(sequence.id, definition.goal["rules"], now)
        Sequence.objects.filter(id=sequence.id).update(watched_at=now)
        if entered:
            hold_a_crowd(sequence=sequence, now=now)
    return entered


_NEWCOMERS = """inside AS MATERIALIZED ({membership}), gone AS (
    DELETE FROM campaigns_sequencemember m
    WHERE m.sequence_id = %s AND NOT EXISTS (SELECT 1 FROM inside i WHERE i.id = m.contact_id)
), wanted AS (
    INSERT INTO campaigns_sequencemember (sequence_id, contact_id)
    SELECT %s, i.id FROM inside i ORDER BY i.id
    ON CONFLICT DO NOTHING
    RETURNING contact_id
)"""


def _enter_segment(sequence: Sequence, trigger: Mapping[str, Any], now: datetime) -> int:
    text, parameters = membership(rules=trigger["rules"], now=now)
    wanted = _NEWCOMERS.replace("{membership}", text)
    return len(
        enrol(sequence=sequence, wanted=(wanted, [*parameters, sequence.id, sequence.id]), now=now)
    )


_KNOWN = (
    "INSERT INTO campaigns_sequencemember (sequence_id, contact_id)"
    " SELECT %s, i.id FROM ({membership}) i ORDER BY i.id ON CONFLICT DO NOTHING"
)
_AT_GOAL = (
    "UPDATE campaigns_enrolment SET state = 'exited', reason = 'goal', due_at = NULL,"
    " ended_at = %s WHERE id IN (SELECT e.id FROM campaigns_enrolment e"
    " JOIN ({membership}) m ON m.id = e.contact_id"
    " WHERE e.sequence_id = %s AND e.state = 'active' ORDER BY e.id"
    " FOR UPDATE OF e SKIP LOCKED) RETURNING id, step"
)


def know_members(*, sequence: Sequence, rules: dict[str, Any], now: datetime) -> None:
    """Take the people who are in the segment now for known: only who comes later enters."""
    text, parameters = membership(rules=rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(_KNOWN.replace("{membership}", text), [sequence.id, *parameters])


def _end_at_goal(sequence_id: UUID, rules: dict[str, Any], now: datetime) -> None:
    text, parameters = membership(rules=rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(_AT_GOAL.replace("{membership}", text), [now, *parameters, sequence_id])
        ended = cursor.fetchall()
    drop_mails([reference_of(number, step) for number, step in ended], now)


_CREATED = """wanted AS (
    SELECT DISTINCT c.id AS contact_id
    FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS day (begins, ends)
    JOIN crm_contact c ON c.created_at >= day.begins AND c.created_at < day.ends
)"""
_CONTRACT_ENDS = """wanted AS (
    SELECT c.id AS contact_id
    FROM crm_organisation o JOIN crm_contact c ON c.organisation_id = o.id
    WHERE o.contract_ends_on = ANY(%s::date[])
)"""


def _enter_dates(sequence: Sequence, trigger: Mapping[str, Any], now: datetime) -> int:
    today = now.astimezone(get_default_timezone()).date()
    done = sequence.dated_on or today - timedelta(days=1)
    day = max(done + timedelta(days=1), today - timedelta(days=CATCH_UP_DAYS - 1))
    entered = 0
    while day <= today:
        origins = origins_of(day, days=int(trigger["days"]), is_yearly=bool(trigger["yearly"]))
        wanted = _people_of(trigger["of"], origins)
        entered += len(
            enrol(
                sequence=sequence,
                wanted=wanted,
                occurrence=f"{trigger['of']}:{day.isoformat()}",
                due_at=max(now, at_hour(day, DATE_HOUR)),
                now=now,
            )
        )
        Sequence.objects.filter(id=sequence.id).update(dated_on=day)
        day += timedelta(days=1)
    return entered


def _people_of(what: str, origins: Many[date]) -> tuple[str, list[Any]]:
    if what == "contract_end":
        return _CONTRACT_ENDS, [list(origins)]
    zone = get_default_timezone()
    begins = [datetime.combine(day, time.min, tzinfo=zone) for day in origins]
    ends = [datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone) for day in origins]
    return _CREATED, [begins, ends]


def origins_of(day: date, *, days: int, is_yearly: bool) -> list[date]:
    """Return the dates whose occasion is on this day: `days` later, or earlier if negative.

    Yearly: every whole number of years later, from one on. Who has the 29th of February has it on
    the 28th in other years (as PostgreSQL adds years to a date).
    """
    occasion = day - timedelta(days=days)
    if not is_yearly:
        return [occasion]
    found = []
    for years in range(1, _YEARS):
        origin = _same_day(occasion, occasion.year - years)
        if origin is not None:
            found.append(origin)
        is_last_of_february = (occasion.month, occasion.day) == (2, 28)
        leap = _same_day(date(2024, 2, 29), occasion.year - years)
        if is_last_of_february and leap and _same_day(date(2024, 2, 29), occasion.year) is None:
            found.append(leap)
    return found


def _same_day(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:
        return None
