"""Whether a version can be activated: everything to put right, each with the step it is about."""

from collections.abc import Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.automations.definition import (
    DATES,
    ENDS,
    REENTRY_DAYS_MAX,
    TRIGGERS,
    UNITS,
    WAITS,
    Definition,
    Step,
    campaign_of,
    day_of,
    read_definition,
)
from campaigns.automations.publishing import can_publish
from campaigns.launching import NOT_TO_WRITE_FOR, obstacles
from campaigns.models import Campaign, CampaignMode, Sequence, SequenceState
from crm.services import (
    Account,
    InvalidRules,
    SegmentUnknown,
    count_members,
    membership,
    opened_segment_rules,
    segment_rules,
)


@dataclass(frozen=True)
class Problem:
    """One thing to put right; `step` is empty for what is about the whole."""

    text: str | Promise
    step: str = ""


def problems(*, sequence: Sequence, definition: Definition, now: datetime) -> list[Problem]:
    """Return everything to put right before the activation. Changes nothing."""
    found = [*_of_sequence(sequence), *_of_trigger(definition, now), *_of_settings(definition, now)]
    if not definition.steps:
        found.append(Problem(_("Add a step: so far nothing happens.")))
    found += [Problem(_UNREACHABLE, key) for key in unreachable(definition.steps)]
    for step in definition.every_step():
        found += [Problem(text, step.key) for text in _of_step(step, definition, now)]
    found += _loops(sequence, definition)
    return found


_UNREACHABLE = _("Nobody comes to this step: everybody has left before it.")
_SEGMENT_GONE = _("The segment is no longer there, or its rules no longer hold.")


def _of_sequence(sequence: Sequence) -> Iterator[Problem]:
    purpose = sequence.purpose
    is_message = purpose.code not in NOT_TO_WRITE_FOR and "email" in purpose.channels
    if not purpose.is_marketing or not is_message or purpose.retired_at is not None:
        yield Problem(_("Choose a purpose that newsletters may have."))


def _of_trigger(definition: Definition, now: datetime) -> Iterator[Problem]:
    trigger = definition.trigger
    kind = trigger["kind"]
    if kind not in TRIGGERS:
        yield Problem(_("Say what begins the sequence."))
    if kind == "form" and not trigger.get("form"):
        yield Problem(_("Choose the form that begins the sequence."))
    if kind == "tag" and not trigger.get("tag"):
        yield Problem(_("Choose the tag that begins the sequence."))
    if kind == "segment" and not is_segment(trigger.get("segment"), now):
        yield Problem(_("Choose the segment that begins the sequence: it must be there."))
    if kind == "date" and trigger.get("of") not in DATES:
        yield Problem(_("Choose the date that begins the sequence."))


def _of_settings(definition: Definition, now: datetime) -> Iterator[Problem]:
    if not 0 <= definition.reentry_days <= REENTRY_DAYS_MAX:
        yield Problem(_("Say after how many days somebody may enter again, or never."))
    goal = definition.goal.get("segment")
    if goal and not is_segment(goal, now):
        yield Problem(_SEGMENT_GONE)
    yield from _of_a_crowd(definition, now)
    if definition.trigger["kind"] == "tag" and definition.trigger["tag"] in definition.exit_tags:
        yield Problem(_("The tag that begins the sequence would also end it."))


def _of_a_crowd(definition: Definition, now: datetime) -> Iterator[Problem]:
    """Who is in the segment already enters at once: to so many only a campaign is sent, to which
    a second person agrees."""
    trigger, most = definition.trigger, int(settings.CAMPAIGN_APPROVAL_SIZE)
    if trigger["kind"] != "segment" or not trigger.get("with_present"):
        return
    if not is_segment(trigger.get("segment"), now):
        return
    rules = segment_rules(segment_id=UUID(str(trigger["segment"])))
    if count_members(rules=rules, now=now) > most:
        text = _(
            "More than %(count)s people are in the segment already. Let only newcomers enter, and "
            "write to the others by a campaign."
        )
        yield Problem(text % {"count": most})


def is_segment(held: object, now: datetime) -> bool:
    try:
        membership(rules=opened_segment_rules(segment_id=UUID(str(held))), now=now)
    except (ValueError, SegmentUnknown, InvalidRules):
        return False
    return True


def _of_step(step: Step, definition: Definition, now: datetime) -> Iterator[str | Promise]:
    says = step.says
    match step.kind:
        case "wait":
            amount = says.get("amount")
            if says.get("unit") not in UNITS or not isinstance(amount, int) or amount < 1:
                yield _("Say how long to wait.")
        case "wait_weekday":
            if not says.get("weekdays") or not _is_hour(says.get("hour")):
                yield _("Choose at least one weekday and an hour.")
        case "wait_date":
            if day_of(says.get("date")) is None or not _is_hour(says.get("hour")):
                yield _("Choose a day and an hour.")
        case "send":
            yield from _of_mail(step, now)
        case "condition":
            yield from _of_condition(step, definition, now)
        case "tag" | "untag":
            if not says.get("tag"):
                yield _("Choose a tag.")
        case "notify":
            if not _is_account(says.get("account")):
                yield _("Choose a colleague whose account is open.")
        case "webhook":
            if not can_publish():
                yield _("No other system is connected to which an event could be sent.")
            if not says.get("event"):
                yield _("Give the event a name.")
        case "goto":
            if not _is_sequence(says.get("sequence")):
                yield _("Choose a sequence that is active.")


def _is_hour(held: object) -> bool:
    return isinstance(held, int) and 0 <= held <= 23


def _of_mail(step: Step, now: datetime) -> Iterator[str | Promise]:
    number = campaign_of(step)
    mails = Campaign.objects.filter(mode=CampaignMode.SEQUENCE)
    held = mails.filter(id=number).first() if number else None
    if held is None:
        yield _("The mail of this step is missing: remove the step and add it anew.")
        return
    if held.state == "draft":
        yield from (each.text for each in obstacles(campaign_id=held.id, now=now))


def _of_condition(step: Step, definition: Definition, now: datetime) -> Iterator[str | Promise]:
    says = step.says
    if sent := says.get("sent"):
        before = []
        for each in definition.every_step():
            if each.key == step.key:
                break
            before.append(each)
        if not any(each.key == sent and each.kind == "send" for each in before):
            yield _("The mail that is asked about must be a step before this one.")
    elif not is_segment(says.get("segment"), now):
        yield _("Choose a segment, or a mail that was sent before.")
    if not step.yes and not step.no:
        yield _("Both ways are empty: a condition needs a step in one of them.")


def _is_account(held: object) -> bool:
    try:
        return Account.objects.filter(id=UUID(str(held)), is_active=True).exists()
    except ValueError:
        return False


def _is_sequence(held: object) -> bool:
    try:
        return Sequence.objects.filter(id=UUID(str(held)), state=SequenceState.ACTIVE).exists()
    except ValueError:
        return False


def unreachable(steps: Many[Step]) -> list[str]:
    """The steps behind a step where everybody has left."""
    found: list[str] = []
    has_ended = False
    for step in steps:
        if has_ended:
            found.append(step.key)
            continue
        found += [*unreachable(step.yes), *unreachable(step.no)]
        has_ended = ends_all(step)
    return found


def ends_all(step: Step) -> bool:
    """Whether nobody goes on behind this step."""
    if step.kind == "condition":
        return _ends(step.yes) and _ends(step.no)
    return step.kind in ENDS


def _ends(steps: Many[Step]) -> bool:
    return any(ends_all(step) for step in steps)


# --- round and round -------------------------------------------------------------------------


def _loops(sequence: Sequence, definition: Definition) -> list[Problem]:
    """A way from this sequence by others back into it, on which nobody waits."""
    found = []
    for step in definition.every_step():
        if step.kind == "goto" and step.key in at_once(definition.steps)[0]:
            target = str(step.says.get("sequence", ""))
            if target == str(sequence.id) or str(sequence.id) in _reached(target):
                text = _("This leads back into the sequence without a wait: put a wait before it.")
                found.append(Problem(text, step.key))
    return found


def _reached(sequence_id: str) -> set[str]:
    """Every sequence that one leads into without a wait, however far."""
    known: set[str] = set()
    asked = {sequence_id}
    while asked:
        rows = Sequence.objects.filter(id__in=asked, current__isnull=False)
        known |= asked
        steps = [
            step
            for row in rows.select_related("current")
            for step in _gotos_at_once(read_definition(row.current.definition))  # type: ignore[union-attr]
        ]
        asked = {str(step.says.get("sequence", "")) for step in steps} - known - {""}
    return known


def _gotos_at_once(definition: Definition) -> list[Step]:
    keys = at_once(definition.steps)[0]
    return [step for step in definition.every_step() if step.kind == "goto" and step.key in keys]


def at_once(steps: Many[Step]) -> tuple[set[str], bool]:
    """Return the steps that are reached without a wait, and whether the end of the list is."""
    found: set[str] = set()
    for step in steps:
        found.add(step.key)
        if step.kind in WAITS or step.kind in ENDS:
            return found, False
        if step.kind == "condition":
            ways = [at_once(step.yes), at_once(step.no)]
            found |= ways[0][0] | ways[1][0]
            if not any(goes_on for _keys, goes_on in ways):
                return found, False
    return found, True
