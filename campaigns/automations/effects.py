"""What each kind of step does with the people who have come to it, many at once.

Everything is a row of the same database, in the turn's transaction: an effect is there exactly
when the person has gone on from its step. What leaves the house (a mail, an event) leaves later,
from those rows.
"""

from collections.abc import Callable
from collections.abc import Sequence as Many
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections

from campaigns.automations.calendar import wakes_at
from campaigns.automations.definition import campaign_of
from campaigns.automations.enrolling import drop_mails, enrol
from campaigns.automations.passages import MailOutcome, Passage, mail_outcomes, plan_mail
from campaigns.automations.program import Line, Program
from campaigns.automations.publishing import publish
from campaigns.automations.references import reference_of
from campaigns.models import (
    OPEN_STATES,
    ColleagueNotice,
    DeliveryState,
    EnrolmentState,
    Sequence,
)
from crm.services import membership, tag_many, untag_many

# A permission that is on its way: the mail waits for it, as long as the sequence has patience.
ON_ITS_WAY = frozenset({"not_confirmed", "not_informed", "just_informed", "on_pause", "too_soon"})
# The gate's answers that end a passage, whatever its settings say.
FINAL = {
    **dict.fromkeys(("refused", "withdrawn", "objected", "suppressed"), "opted_out"),
    "restricted": "restricted",
    "erased": "erased",
}
_ASK_AGAIN = timedelta(hours=1)
_FIRST_LOOK, _LAST_LOOK = timedelta(seconds=15), timedelta(minutes=10)


class Turn:
    """The people of one version of one sequence, step after step, until each waits or has ended."""

    def __init__(self, sequence: Sequence, program: Program, now: datetime) -> None:
        self._sequence = sequence
        self._program = program
        self._now = now
        self._goal = self._program.definition.goal.get("rules")
        self._next: list[Passage] = []
        self.entered: dict[tuple[UUID, str], int] = {}

    def run(self, passages: Many[Passage]) -> None:
        """Carry everybody as far as they go now."""
        walking = self._staying(passages)
        arrived: list[Passage] = []
        for each in walking:
            line = self._program.lines.get(each.step)
            if each.step and line is None:  # never of a version that was checked
                self._end(each, EnrolmentState.FAILED, "step_unknown")
            elif line is None:
                self._go(each, self._program.first)
            elif line.step.kind in ("wait", "wait_weekday", "wait_date"):
                self._go(each, line.following)  # it is due, so its wait is over
            else:
                arrived.append(each)
        self._walk(arrived)

    def _walk(self, arrived: Many[Passage]) -> None:
        waiting = [*arrived, *self._taken()]
        while waiting:
            by_step: dict[str, list[Passage]] = {}
            for each in waiting:
                by_step.setdefault(each.step, []).append(each)
            for step, group in sorted(by_step.items()):
                line = self._program.lines[step]
                _EFFECTS[line.step.kind](self, line, group)
            waiting = self._taken()

    def _taken(self) -> list[Passage]:
        walking, self._next = self._next, []
        return walking

    def _staying(self, passages: Many[Passage]) -> list[Passage]:
        """Those who go on: neither gone, nor having said no, nor at the goal."""
        for each in passages:
            if each.refusal in FINAL:
                self._end(each, EnrolmentState.EXITED, FINAL[each.refusal])
        left = [each for each in passages if each.state == EnrolmentState.ACTIVE]
        if self._goal and left:
            at_goal = members_of(self._goal, [each.contact_id for each in left], self._now)
            there = [each for each in left if each.contact_id in at_goal]
            for each in there:
                self._end(each, EnrolmentState.EXITED, "goal")
            drop_mails([reference_of(each.id, each.step) for each in there], self._now)
        return [each for each in left if each.state == EnrolmentState.ACTIVE]

    # --- where a person goes ------------------------------------------------------------------

    def _go(self, passage: Passage, step: str) -> None:
        """To a step, or to the end of the sequence; a wait is where a person stays."""
        if not step:
            self._end(passage, EnrolmentState.FINISHED, "end")
            return
        passage.step, passage.since, passage.failures = step, self._now, 0
        key = (passage.version_id, step)
        self.entered[key] = self.entered.get(key, 0) + 1
        line = self._program.lines[step]
        if line.step.kind in ("wait", "wait_weekday", "wait_date"):
            passage.due_at = wakes_at(line.step, self._now)
        else:
            self._next.append(passage)

    def _end(self, passage: Passage, state: EnrolmentState, reason: str) -> None:
        passage.state, passage.reason, passage.due_at = state, reason, None

    def _all_go(self, line: Line, group: Many[Passage]) -> None:
        for each in group:
            self._go(each, line.following)

    # --- what steps do ------------------------------------------------------------------------

    def send(self, line: Line, group: Many[Passage]) -> None:
        found = mail_outcomes([each.reference_id for each in group])
        planned = []
        for each in group:
            outcome = found.get(each.reference_id)
            if outcome is not None:
                self._behind_mail(line, each, outcome)
            elif each.refusal in ON_ITS_WAY and self._is_patient(each):
                each.due_at = self._now + _ASK_AGAIN
            else:
                planned.append(each)
                each.due_at = self._now + _FIRST_LOOK
        campaign = campaign_of(line.step)
        if planned and campaign is not None:
            plan_mail(campaign_id=campaign, passages=planned, now=self._now)

    def _is_patient(self, passage: Passage) -> bool:
        patience = timedelta(days=self._program.definition.patience_days)
        return self._now - passage.since < patience

    def _behind_mail(self, line: Line, passage: Passage, outcome: MailOutcome) -> None:
        """What became of the mail decides; until that is known, the person waits."""
        if outcome.state in OPEN_STATES:
            waited = (self._now - outcome.planned_at) / 4
            passage.due_at = self._now + min(max(waited, _FIRST_LOOK), _LAST_LOOK)
        elif outcome.state == DeliveryState.SKIPPED and outcome.reason in FINAL:
            self._end(passage, EnrolmentState.EXITED, FINAL[outcome.reason])
        elif (
            outcome.state == DeliveryState.SKIPPED
            and outcome.reason != "cancelled"
            and self._program.definition.on_skip == "exit"
        ):
            self._end(passage, EnrolmentState.EXITED, "mail_held_back")
        else:
            self._go(passage, line.following)

    def condition(self, line: Line, group: Many[Passage]) -> None:
        says = line.step.says
        if sent := says.get("sent"):
            found = mail_outcomes([reference_of(each.id, sent) for each in group])
            yes = {
                each.contact_id
                for each in group
                if (mail := found.get(reference_of(each.id, sent)))
                and mail.state == DeliveryState.SENT
            }
        else:
            yes = members_of(says["rules"], [each.contact_id for each in group], self._now)
        for each in group:
            self._go(each, line.yes if each.contact_id in yes else line.no)

    def tag(self, line: Line, group: Many[Passage]) -> None:
        change = tag_many if line.step.kind == "tag" else untag_many
        contacts = [each.contact_id for each in group]
        change(contact_ids=contacts, slug=line.step.says["tag"], now=self._now)
        self._all_go(line, group)

    def notify(self, line: Line, group: Many[Passage]) -> None:
        says = line.step.says
        ColleagueNotice.objects.bulk_create(
            [
                ColleagueNotice(
                    id=each.reference_id,
                    account_id=UUID(says["account"]),
                    contact_id=each.contact_id,
                    sequence_id=self._sequence.id,
                    at=self._now,
                    address=says.get("address", ""),
                    mail_state="waiting" if says.get("address") else "",
                )
                for each in group
            ],
            ignore_conflicts=True,
        )
        self._all_go(line, group)

    def webhook(self, line: Line, group: Many[Passage]) -> None:
        subjects = {each.reference_id: each.contact_id for each in group}
        publish(kind=line.step.says["event"], subjects=subjects, at=self._now)
        self._all_go(line, group)

    def goto(self, line: Line, group: Many[Passage]) -> None:
        """Into another sequence, if it is active and lets the person in; out of this one."""
        other = Sequence.objects.select_related("current").get(id=line.step.says["sequence"])
        enrol(sequence=other, contact_ids=[each.contact_id for each in group], now=self._now)
        for each in group:
            self._end(each, EnrolmentState.FINISHED, "moved_on")

    def stop(self, _line: Line, group: Many[Passage]) -> None:
        for each in group:
            self._end(each, EnrolmentState.FINISHED, "stop")


_EFFECTS: dict[str, Callable[[Turn, Line, Many[Passage]], None]] = {
    "send": Turn.send,
    "condition": Turn.condition,
    "tag": Turn.tag,
    "untag": Turn.tag,
    "notify": Turn.notify,
    "webhook": Turn.webhook,
    "goto": Turn.goto,
    "stop": Turn.stop,
}


def members_of(rules: dict[str, Any], contact_ids: Many[UUID], now: datetime) -> set[UUID]:
    """Which of these contacts the rules hold, at this moment. Raises InvalidRules."""
    text, parameters = membership(rules=rules, now=now)
    sql = f"SELECT m.id FROM ({text}) m WHERE m.id = ANY(%s::uuid[])"  # noqa: S608
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, [*parameters, list(contact_ids)])
        return {row[0] for row in cursor.fetchall()}
