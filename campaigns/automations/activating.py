"""Activating, pausing and archiving sequences. Each can be undone; who did it is kept."""

from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import get_default_timezone

from campaigns.automations.checking import Problem, problems
from campaigns.automations.crowds import refuse_the_same
from campaigns.automations.definition import Definition, Step, campaign_of, read_definition
from campaigns.automations.enrolling import end, note_moved
from campaigns.automations.occasions import know_members
from campaigns.automations.versions import SequenceUnknown
from campaigns.launching import start_sequence_mail
from campaigns.models import (
    OPEN_STATES,
    Campaign,
    CampaignMode,
    CampaignState,
    Delivery,
    Enrolment,
    EnrolmentState,
    Sequence,
    SequenceChange,
    SequenceMember,
    SequenceState,
    SequenceVersion,
    StateChange,
)
from campaigns.moving import WrongState
from crm.services import make_tag, opened_segment_rules

# Who is in an archived sequence waits this long for it to be restored; then their passage ends.
ARCHIVE_GRACE = timedelta(days=7)
_SWEPT = 1_000


class NotReadyToRun(Exception):
    """The draft cannot be activated; `problems` says everything to put right."""

    def __init__(self, found: Many[Problem]) -> None:
        super().__init__(f"{len(found)} problems")
        self.problems = list(found)


class NothingToActivate(Exception):
    """The sequence has no draft."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the draft after it was read."""


def activate(
    *,
    sequence_id: UUID,
    moves_people: bool = False,
    seen_at: datetime | None = None,
    actor_id: UUID | None,
    now: datetime,
) -> int:
    """Make the draft the running version; return its number.

    Newcomers enter it. Who is inside goes on with the version they entered, or with `moves_people`
    at the same step of the new one, where it has that step. Nobody enters for having been in the
    segment already, unless the trigger says so. Raises SequenceUnknown, NothingToActivate,
    NotReadyToRun, WrongState (archived), NeedsAnother where a crowd stopped it, and
    ChangedMeanwhile when `updated_at` of the draft is no longer `seen_at`. One transaction.
    """
    with transaction.atomic(using="default"):
        sequence = _locked(sequence_id)
        if sequence.state == SequenceState.ARCHIVED:
            raise WrongState(sequence.state)
        refuse_the_same(sequence_id=sequence_id, actor_id=actor_id)
        draft = sequence.versions.select_for_update().filter(activated_at=None).first()
        if draft is None:
            raise NothingToActivate(NothingToActivate.__doc__)
        if seen_at not in (None, draft.updated_at):
            raise ChangedMeanwhile(ChangedMeanwhile.__doc__)
        definition = read_definition(draft.definition)
        if found := problems(sequence=sequence, definition=definition, now=now):
            raise NotReadyToRun(found)
        _freeze(draft, definition, sequence.purpose_id, actor_id, now)
        _begin(sequence, draft, actor_id, now)
        if moves_people:
            _move_people(sequence_id, draft, actor_id, now)
    return draft.number


def _locked(sequence_id: UUID) -> Sequence:
    row = (
        Sequence.objects.select_for_update(of=("self",))
        .select_related("purpose", "current")
        .filter(id=sequence_id)
        .first()
    )
    if row is None:
        raise SequenceUnknown(SequenceUnknown.__doc__)
    return row


def _freeze(
    draft: SequenceVersion, definition: Definition, purpose_id: str, actor_id: UUID | None,
    now: datetime,
) -> None:  # fmt: skip
    """Mails are compiled, and the rules of segments written into the version: what is changed of
    a segment later changes no sequence that runs."""
    for step in definition.every_step():
        campaign_id = campaign_of(step)
        if campaign_id is not None:
            # Whatever its editor was sent: the purpose is the sequence's, and it has no segment.
            Campaign.objects.filter(id=campaign_id).update(purpose=purpose_id, segment=None)
            start_sequence_mail(campaign_id=campaign_id, actor_id=actor_id, now=now)
        if step.kind == "tag":
            make_tag(title=step.says["tag"])
    frozen = replace(
        definition,
        trigger=_with_rules(definition.trigger),
        goal=_with_rules(definition.goal),
        steps=_frozen_steps(definition.steps),
    )
    draft.definition = frozen.as_json()
    draft.activated_at = now
    draft.save()


def _frozen_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(
        replace(
            step,
            says=_with_rules(step.says),
            yes=_frozen_steps(step.yes),
            no=_frozen_steps(step.no),
        )
        for step in steps
    )


def _with_rules(says: Any) -> dict[str, Any]:
    if not says.get("segment"):
        return {name: value for name, value in says.items() if name != "rules"}
    return {**says, "rules": opened_segment_rules(segment_id=UUID(says["segment"]))}


def _begin(
    sequence: Sequence, draft: SequenceVersion, actor_id: UUID | None, now: datetime
) -> None:
    before, was = sequence.state, sequence.current
    trigger = draft.definition["trigger"]
    if was is None or was.definition["trigger"] != trigger:
        SequenceMember.objects.filter(sequence=sequence).delete()
        if trigger["kind"] == "segment" and not trigger.get("with_present"):
            know_members(sequence=sequence, rules=trigger["rules"], now=now)
        yesterday = now.astimezone(get_default_timezone()).date() - timedelta(days=1)
        sequence.dated_on = yesterday
        sequence.watched_at = None
    sequence.current, sequence.state = draft, SequenceState.ACTIVE
    sequence.updated_at = now
    sequence.save()
    if before == SequenceState.PAUSED:
        _move_mails(sequence.id, CampaignState.PAUSED, CampaignState.RUNNING, actor_id, now)
    _note(sequence.id, before, SequenceState.ACTIVE, actor_id, now, draft.number)


def _move_people(
    sequence_id: UUID, version: SequenceVersion, actor_id: UUID | None, now: datetime
) -> None:
    """Who is at a step that the new version has, under the same kind, goes on there."""
    definition = read_definition(version.definition)
    inside = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.ACTIVE).exclude(
        version=version
    )
    for old_id in inside.values_list("version", flat=True).distinct():
        old = read_definition(SequenceVersion.objects.get(id=old_id).definition)
        kinds = {step.key: step.kind for step in old.every_step()}
        same = [step.key for step in definition.every_step() if kinds.get(step.key) == step.kind]
        there = inside.filter(version=old_id, step__in=["", *same])
        rows = there.select_for_update().order_by("id").values_list("id", flat=True)
        moved = list(rows)
        Enrolment.objects.filter(id__in=moved).update(version=version)
        note_moved(moved, actor_id, now)


def pause(*, sequence_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Nobody enters and nobody goes on; a batch that is being handed over still leaves.

    Raises WrongState. Twice is once.
    """
    _change(sequence_id, [SequenceState.ACTIVE], SequenceState.PAUSED, actor_id, now)


def resume(*, sequence_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Go on: whoever is due by now goes on at once. Twice is once.

    Raises WrongState, and NeedsAnother where a crowd stopped it.
    """
    refuse_the_same(sequence_id=sequence_id, actor_id=actor_id)
    _change(sequence_id, [SequenceState.PAUSED], SequenceState.ACTIVE, actor_id, now)


def archive(*, sequence_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Out of the list; whoever is inside waits seven days for `restore`, then their passage ends.

    Raises WrongState. Twice is once.
    """
    froms = [SequenceState.DRAFT, SequenceState.ACTIVE, SequenceState.PAUSED]
    _change(sequence_id, froms, SequenceState.ARCHIVED, actor_id, now)


def restore(*, sequence_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Back into the list, paused; as a draft, if it never ran. Twice is once."""
    has_run = Sequence.objects.filter(id=sequence_id, current__isnull=False).exists()
    to = SequenceState.PAUSED if has_run else SequenceState.DRAFT
    _change(sequence_id, [SequenceState.ARCHIVED], to, actor_id, now)


def _change(
    sequence_id: UUID,
    froms: Many[SequenceState],
    to: SequenceState,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    with transaction.atomic(using="default"):
        sequence = _locked(sequence_id)
        before = sequence.state
        if before == to:
            return
        if before not in froms:
            raise WrongState(before)
        sequence.state, sequence.updated_at = to, now
        sequence.save()
        if to == SequenceState.ACTIVE:
            _move_mails(sequence_id, CampaignState.PAUSED, CampaignState.RUNNING, actor_id, now)
        else:
            _move_mails(sequence_id, CampaignState.RUNNING, CampaignState.PAUSED, actor_id, now)
        number = sequence.current.number if sequence.current else None
        _note(sequence_id, before, to, actor_id, now, number)


def _move_mails(
    sequence_id: UUID, before: str, after: str, actor_id: UUID | None, now: datetime
) -> None:
    mails = Campaign.objects.filter(
        mode=CampaignMode.SEQUENCE, sequence_mail__version__sequence=sequence_id, state=before
    )
    ids = sorted(mails.values_list("id", flat=True))
    Campaign.objects.filter(id__in=ids).update(state=after, updated_at=now, halted_reason="")
    StateChange.objects.bulk_create(
        StateChange(
            campaign_id=number, at=now, actor_id=actor_id, from_state=before, to_state=after
        )
        for number in ids
    )


def _note(
    sequence_id: UUID, before: str, after: str, actor_id: UUID | None, now: datetime,
    number: int | None,
) -> None:  # fmt: skip
    SequenceChange.objects.create(
        sequence_id=sequence_id,
        at=now,
        actor_id=actor_id,
        from_state=before,
        to_state=after,
        version_number=number,
    )


def settle_archived(*, now: datetime) -> int:
    """End the passages of sequences that were archived a week ago; return how many. Safe twice."""
    gone = Sequence.objects.filter(
        state=SequenceState.ARCHIVED, updated_at__lte=now - ARCHIVE_GRACE
    )
    with transaction.atomic(using="default"):
        rows = list(
            Enrolment.objects.select_for_update(skip_locked=True)
            .filter(sequence__in=gone.values("id"), state=EnrolmentState.ACTIVE)
            .order_by("id")[:_SWEPT]
        )
        if rows:
            end(rows, EnrolmentState.EXITED, "archived", now)
    return len(rows)


def retire_mails(*, now: datetime) -> int:
    """Close the mails of versions that nobody is in any more; return how many. Safe twice."""
    done = 0
    old = SequenceVersion.objects.filter(
        mails__campaign__state__in=(CampaignState.RUNNING, CampaignState.PAUSED)
    ).exclude(id__in=Sequence.objects.exclude(current=None).values("current_id"))
    for version in old.distinct():
        campaigns = list(version.mails.values_list("campaign_id", flat=True))
        is_used = Enrolment.objects.filter(version=version, state=EnrolmentState.ACTIVE).exists()
        waits = Delivery.objects.filter(campaign_id__in=campaigns, state__in=OPEN_STATES).exists()
        if not is_used and not waits:
            done += Campaign.objects.filter(
                id__in=campaigns, state__in=(CampaignState.RUNNING, CampaignState.PAUSED)
            ).update(state=CampaignState.FINISHED, finished_at=now, updated_at=now)
    return done
