"""The picture of a sequence: its steps from top to bottom, as a template draws them."""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.automations.checking import Problem
from campaigns.automations.definition import Definition, Step, campaign_of, day_of
from campaigns.models import Campaign, Sequence, SequenceVersion, StepMove
from campaigns.pages.sequences.forms import has_form
from campaigns.pages.sequences.words import (
    DATE_NAMES,
    ICONS,
    KIND_NAMES,
    TRIGGER_NAMES,
    UNIT_NAMES,
    WEEKDAYS,
)
from crm.services import Account, choices_of, segments


@dataclass
class Box:
    """One step as it is drawn."""

    key: str
    kind: str
    title: str | Promise
    summary: str
    icon: str
    has_form: bool
    campaign_id: UUID | None
    here: int = 0
    entered: int = 0
    problems: list[str | Promise] = field(default_factory=list)
    yes: list["Box"] = field(default_factory=list)
    no: list["Box"] = field(default_factory=list)
    is_first: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Counts:
    """How many people are at each step and came to it; and of those who ended, by reason."""

    here: Mapping[str, int]
    entered: Mapping[str, int]
    ended: Mapping[str, int]

    @property
    def inside(self) -> int:
        return sum(self.here.values())


def counts_of(version_id: UUID | None) -> Counts:
    """The sums of a version, from a few rows: nobody is counted for it."""
    rows = (
        StepMove.objects.filter(version=version_id)
        .values("step")
        .annotate(now=Sum("here"), ever=Sum("entered"))
    )
    here, entered, ended = {}, {}, {}
    for row in rows:
        step = row["step"]
        if step.startswith("="):
            ended[step[1:]] = row["now"]
        else:
            here[step], entered[step] = row["now"], row["ever"]
    return Counts(here, entered, {code: number for code, number in ended.items() if number})


def flow(
    definition: Definition, *, counts: Counts | None = None, found: Many[Problem] = ()
) -> list[Box]:
    """The boxes of a version, in three queries for the names."""
    steps = list(definition.every_step())
    mails = Campaign.objects.filter(id__in=[campaign_of(step) for step in steps])
    names = {
        **{str(number): text or "…" for number, text in mails.values_list("id", "subject")},
        **{str(one.id): one.name for one in segments()},
        **{f"tag:{one.value}": str(one.label) for one in choices_of("tag") or []},
    }
    gotos = [step.says.get("sequence") for step in steps if step.kind == "goto"]
    others = Sequence.objects.filter(id__in=[one for one in gotos if one])
    names |= {str(number): name for number, name in others.values_list("id", "name")}
    asked = [step.says.get("account") for step in steps if step.kind == "notify"]
    accounts = Account.objects.filter(id__in=[one for one in asked if one])
    names |= {str(number): name for number, name in accounts.values_list("id", "username")}
    return _boxes(definition.steps, names, counts or Counts({}, {}, {}), found)


def _boxes(
    steps: Many[Step], names: Mapping[str, str], counts: Counts, found: Many[Problem]
) -> list[Box]:
    boxes = [
        Box(
            key=step.key,
            kind=step.kind,
            title=KIND_NAMES[step.kind],
            summary=summary(step, names),
            icon=ICONS[step.kind],
            has_form=has_form(step.kind),
            campaign_id=campaign_of(step),
            here=counts.here.get(step.key, 0),
            entered=counts.entered.get(step.key, 0),
            problems=[each.text for each in found if each.step == step.key],
            yes=_boxes(step.yes, names, counts, found),
            no=_boxes(step.no, names, counts, found),
        )
        for step in steps
    ]
    if boxes:
        boxes[0].is_first = boxes[-1].is_last = True
    return boxes


def summary(step: Step, names: Mapping[str, str]) -> str:
    """What a step does, in a line."""
    says = step.says
    match step.kind:
        case "wait" if says:
            return f"{says['amount']} {UNIT_NAMES[says['unit']]}"
        case "wait_weekday" if says:
            days = ", ".join(str(WEEKDAYS[int(day)]) for day in says["weekdays"])
            return _("%(days)s at %(hour)s:00") % {"days": days, "hour": says["hour"]}
        case "wait_date" if day_of(says.get("date")):
            return f"{says['date']} {int(says['hour']):02}:00"
        case "send":
            return names.get(str(says.get("campaign")), "")
        case "condition" if says.get("sent"):
            return _("Was the mail %(step)s sent?") % {"step": str(says["sent"]).upper()}
        case "condition":
            return names.get(str(says.get("segment")), "")
        case "tag" | "untag":
            return names.get(f"tag:{says.get('tag')}", str(says.get("tag", "")))
        case "notify":
            return names.get(str(says.get("account")), "")
        case "webhook":
            return str(says.get("event", ""))
        case "goto":
            return names.get(str(says.get("sequence")), "")
    return ""


def beginning(definition: Definition) -> str:
    """What begins the sequence, in a line."""
    trigger = definition.trigger
    name = str(TRIGGER_NAMES[trigger["kind"]])
    match trigger["kind"]:
        case "form":
            return f"{name}: {_label('form', trigger.get('form', ''))}"
        case "tag":
            return f"{name}: {_label('tag', trigger.get('tag', ''))}"
        case "segment":
            known = {str(one.id): one.name for one in segments()}
            return f"{name}: {known.get(str(trigger.get('segment')), '–')}"
        case "date":
            return _date(trigger)
    return name


def _label(fact: str, value: str) -> str:
    for one in choices_of(fact) or []:
        if one.value == value:
            return str(one.label)
    return value or "–"


def _date(trigger: Mapping[str, object]) -> str:
    days = int(str(trigger["days"]))
    name = str(DATE_NAMES[str(trigger["of"])])
    if days:
        before = ngettext("%(count)s day before", "%(count)s days before", abs(days))
        after = ngettext("%(count)s day after", "%(count)s days after", abs(days))
        name += f": {(before if days < 0 else after) % {'count': abs(days)}}"
    return f"{name}, {_('each year')}" if trigger["yearly"] else name


def version_name(version: SequenceVersion) -> str:
    return _("Version %(number)s") % {"number": version.number}
