"""What a version of a sequence says, and the parser that refuses everything else.

It is stored as JSON and read into these types before anything is done with it. Steps are a list;
a condition holds two lists of its own, which join again behind it. So nothing in a sequence leads
back: it ends, whatever happens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STEPS_MAX, DEPTH_MAX = 60, 4
KINDS = (
    "wait",
    "wait_weekday",
    "wait_date",
    "send",
    "condition",
    "tag",
    "untag",
    "notify",
    "webhook",
    "goto",
    "stop",
)
WAITS = ("wait", "wait_weekday", "wait_date")
# Behind these nobody goes on.
ENDS = ("goto", "stop")
TRIGGERS = ("form", "tag", "date", "segment", "hand")
UNITS = ("minutes", "hours", "days", "weeks")
DATES = ("created", "contract_end")
# A sequence that could begin again within the day would be a loop.
REENTRY_DAYS_MIN, REENTRY_DAYS_MAX = 1, 3650


class NotASequence(ValueError):
    """The definition says something that the language does not have; the argument says what."""

    def __init__(self, reason: str | Promise, step: str = "") -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.step = step


@dataclass(frozen=True)
class Step:
    """One step. `key` is its name within the sequence and stays over the versions."""

    key: str
    kind: str
    says: Mapping[str, Any] = field(default_factory=dict)
    yes: tuple["Step", ...] = ()
    no: tuple["Step", ...] = ()

    def as_json(self) -> dict[str, Any]:
        held: dict[str, Any] = {"key": self.key, "kind": self.kind, "says": dict(self.says)}
        if self.kind == "condition":
            held["yes"] = [each.as_json() for each in self.yes]
            held["no"] = [each.as_json() for each in self.no]
        return held


@dataclass(frozen=True)
class Definition:
    """Trigger, exits, settings and steps of a version."""

    trigger: Mapping[str, Any] = field(default_factory=lambda: {"kind": "hand"})
    steps: tuple[Step, ...] = ()
    # 0: a person goes through it once, ever.
    reentry_days: int = 0
    # What a mail that was held back means for who should have got it: "continue" or "exit".
    on_skip: str = "continue"
    # How long a mail waits for a permission that is on its way (not confirmed yet, a pause).
    patience_days: int = 7
    exits_on_reply: bool = True
    exit_tags: tuple[str, ...] = ()
    # The segment whose members have reached the goal, and its rules as they were frozen.
    goal: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "trigger": dict(self.trigger),
            "reentry_days": self.reentry_days,
            "on_skip": self.on_skip,
            "patience_days": self.patience_days,
            "exits_on_reply": self.exits_on_reply,
            "exit_tags": list(self.exit_tags),
            "goal": dict(self.goal),
            "steps": [each.as_json() for each in self.steps],
        }

    def every_step(self) -> Iterator[Step]:
        return _walk(self.steps)


def _walk(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _walk(step.yes)
        yield from _walk(step.no)


def read_definition(held: Mapping[str, Any]) -> Definition:
    """Return what was stored. Raises NotASequence for what was not written by this program."""
    try:
        trigger = dict(held["trigger"])
        if trigger["kind"] not in TRIGGERS:
            raise NotASequence(_("There is no such trigger."))
        found = Definition(
            trigger=trigger,
            steps=_steps(held["steps"], 1),
            reentry_days=int(held["reentry_days"]),
            on_skip=str(held["on_skip"]),
            patience_days=int(held["patience_days"]),
            exits_on_reply=bool(held["exits_on_reply"]),
            exit_tags=tuple(str(tag) for tag in held["exit_tags"]),
            goal=dict(held["goal"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, NotASequence):
            raise
        raise NotASequence(_("This is not a sequence.")) from None
    keys = [step.key for step in found.every_step()]
    if len(keys) != len(set(keys)):
        raise NotASequence(_("Two steps have the same name."))
    if len(keys) > STEPS_MAX:
        raise NotASequence(_("There are too many steps."))
    return found


def _steps(held: Sequence[Mapping[str, Any]], depth: int) -> tuple[Step, ...]:
    if depth > DEPTH_MAX:
        raise NotASequence(_("Conditions are nested too deep."))
    return tuple(_step(each, depth) for each in held)


def _step(held: Mapping[str, Any], depth: int) -> Step:
    key, kind = str(held["key"]), str(held["kind"])
    if kind not in KINDS or not key.isalnum() or not 0 < len(key) <= 16:
        raise NotASequence(_("There is no such step."), key)
    if kind != "condition":
        return Step(key, kind, dict(held["says"]))
    branches = (_steps(held["yes"], depth + 1), _steps(held["no"], depth + 1))
    return Step(key, kind, dict(held["says"]), *branches)


def trigger_code(trigger: Mapping[str, Any]) -> str:
    """What an event is compared with: the form, the tag, the segment."""
    kind = trigger["kind"]
    return str(trigger.get(kind, "")) if kind in ("form", "tag", "segment") else ""


# --- changing a draft ------------------------------------------------------------------------


def find_step(definition: Definition, key: str) -> Step:
    """Return a step. Raises NotASequence when there is none of this name."""
    for step in definition.every_step():
        if step.key == key:
            return step
    raise NotASequence(_("This step is no longer there."), key)


def new_key(definition: Definition) -> str:
    """Return a name that no step has had: one more than the highest."""
    numbers = [int(step.key[1:]) for step in definition.every_step() if step.key[1:].isdigit()]
    return f"s{max(numbers, default=0) + 1}"


def with_step(definition: Definition, place: str, step: Step) -> Definition:
    """Put a step behind another one ("after:s1"), into a branch ("yes:s1"), or first ("first:").

    Raises NotASequence when the place is not there.
    """
    how, _colon, key = place.partition(":")
    if how == "first":
        return replace(definition, steps=(step, *definition.steps))
    target = find_step(definition, key)
    if how in ("yes", "no") and target.kind == "condition":
        if how == "yes":
            changed = replace(target, yes=(step, *target.yes))
        else:
            changed = replace(target, no=(step, *target.no))
        return replace(definition, steps=_put(definition.steps, key, (changed,)))
    if how != "after":
        raise NotASequence(_("There is no such place."), key)
    return replace(definition, steps=_put(definition.steps, key, (target, step)))


def without_step(definition: Definition, key: str) -> Definition:
    """Take a step out, a condition with its branches."""
    find_step(definition, key)
    return replace(definition, steps=_put(definition.steps, key, ()))


def with_changed(definition: Definition, key: str, says: Mapping[str, Any]) -> Definition:
    changed = replace(find_step(definition, key), says=dict(says))
    return replace(definition, steps=_put(definition.steps, key, (changed,)))


def moved(definition: Definition, key: str, by: int) -> Definition:
    """Move a step up (-1) or down (+1) within its list; at the end of it nothing changes."""
    find_step(definition, key)
    return replace(definition, steps=_shift(definition.steps, key, by))


def _put(steps: tuple[Step, ...], key: str, instead: tuple[Step, ...]) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        if step.key == key:
            found += instead
        elif step.kind == "condition":
            found.append(
                replace(step, yes=_put(step.yes, key, instead), no=_put(step.no, key, instead))
            )
        else:
            found.append(step)
    return tuple(found)


def _shift(steps: tuple[Step, ...], key: str, by: int) -> tuple[Step, ...]:
    order = [step.key for step in steps]
    if key in order:
        at = order.index(key)
        to = min(max(at + by, 0), len(steps) - 1)
        moving = list(steps)
        moving.insert(to, moving.pop(at))
        return tuple(moving)
    return tuple(
        replace(step, yes=_shift(step.yes, key, by), no=_shift(step.no, key, by)) for step in steps
    )


def campaign_of(step: Step) -> UUID | None:
    """The campaign that a sending step owns."""
    held = step.says.get("campaign")
    return UUID(held) if held else None


def day_of(held: object) -> date | None:
    try:
        return date.fromisoformat(str(held))
    except ValueError:
        return None
