"""Sequences: what happens to a person step by step, in versions, and where everybody is."""

from django.db import models
from django.db.models import Q

from campaigns.models.campaigns import Campaign


class SequenceState(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class EnrolmentState(models.TextChoices):
    ACTIVE = "active"
    FINISHED = "finished"
    EXITED = "exited"
    STOPPED = "stopped"
    FAILED = "failed"


class Sequence(models.Model):
    """What a sequence is for, and whether it runs; what it does stands in its versions."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    state = models.CharField(
        max_length=12, choices=SequenceState.choices, default=SequenceState.DRAFT
    )
    # What newcomers enter; None before the first activation.
    current = models.ForeignKey(
        "SequenceVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    # How far its segment was looked at, and which days of its date were seen to.
    watched_at = models.DateTimeField(null=True)
    dated_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="sequence_newest")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=[SequenceState.ACTIVE, SequenceState.PAUSED])
                | Q(current__isnull=False),
                name="sequence_runs_a_version",
            )
        ]


class SequenceVersion(models.Model):
    """Trigger, exits and steps. Once activated it never changes: a trigger."""

    id = models.UUIDField(primary_key=True)
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    # Of the definition, so that an event finds its sequences by an index.
    trigger_kind = models.CharField(max_length=12)
    trigger_code = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sequence", "number"], name="sequence_version_once"),
            models.UniqueConstraint(
                fields=["sequence"],
                condition=Q(activated_at__isnull=True),
                name="sequence_one_draft",
            ),
        ]
        indexes = [
            models.Index(fields=["trigger_kind", "trigger_code"], name="sequence_by_trigger")
        ]


class SequenceMail(models.Model):
    """The campaign that a sending step of a version owns: its words, gate, ledger and account."""

    version = models.ForeignKey(SequenceVersion, on_delete=models.CASCADE, related_name="mails")
    step = models.CharField(max_length=16)
    campaign = models.OneToOneField(
        Campaign, on_delete=models.PROTECT, related_name="sequence_mail"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "step"], name="sequence_mail_once")
        ]


class Enrolment(models.Model):
    """One passage of a contact through a sequence: the truth about where the person is.

    A passage that has not ended has a due date, always. It goes with its contact: the foreign key
    of the table deletes it (migration 0005).
    """

    id = models.UUIDField(primary_key=True)
    sequence = models.ForeignKey(Sequence, on_delete=models.PROTECT, related_name="enrolments")
    version = models.ForeignKey(SequenceVersion, on_delete=models.PROTECT)
    contact_id = models.UUIDField()
    # Empty before the first step.
    step = models.CharField(max_length=16, blank=True)
    # When the person came to this step.
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=10, choices=EnrolmentState.choices, default=EnrolmentState.ACTIVE
    )
    reason = models.CharField(max_length=32, blank=True)
    started_at = models.DateTimeField()
    started_by = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The day of a date that began it: the same day never begins it twice.
    occurrence = models.CharField(max_length=32, null=True)  # noqa: DJ001 - NULLs are distinct
    # How often its step failed in a row.
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sequence", "contact_id"],
                condition=Q(state=EnrolmentState.ACTIVE),
                name="enrolment_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["sequence", "contact_id", "occurrence"], name="enrolment_occurrence_once"
            ),
            models.CheckConstraint(
                condition=Q(state=EnrolmentState.ACTIVE, due_at__isnull=False, ended_at=None)
                | ~Q(state=EnrolmentState.ACTIVE) & Q(due_at=None, ended_at__isnull=False),
                name="enrolment_is_due_or_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["sequence", "due_at", "id"],
                condition=Q(state=EnrolmentState.ACTIVE),
                name="enrolment_due",
            ),
            models.Index(
                fields=["version", "step", "id"],
                condition=Q(state=EnrolmentState.ACTIVE),
                name="enrolment_here",
            ),
            models.Index(fields=["sequence", "state", "-started_at"], name="enrolment_of_sequence"),
            models.Index(fields=["contact_id"], name="enrolment_of_contact"),
        ]


class EnrolmentChange(models.Model):
    """What a member of staff did with somebody's passage."""

    # Goes with its enrolment, by the foreign key of the table.
    enrolment_id = models.UUIDField(db_index=True)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    # entered, stopped, resumed, moved
    what = models.CharField(max_length=12)
    step = models.CharField(max_length=16, blank=True)


class SequenceChange(models.Model):
    """Who activated, paused, resumed, archived or restored a sequence, and when."""

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    from_state = models.CharField(max_length=12)
    to_state = models.CharField(max_length=12)
    version_number = models.PositiveIntegerField(null=True)


class SequenceMember(models.Model):
    """Who was in the segment of a sequence when it was last looked at: only who is new enters."""

    pk = models.CompositePrimaryKey("sequence_id", "contact_id")
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE)
    contact_id = models.UUIDField()


class StepMove(models.Model):
    """How many people came and went, to be summed per version and step.

    Only ever added to, so that nobody waits for a counter; the sweep sums rows into fewer ones.
    `here` is written by a trigger of the table of enrolments; a step that begins with "=" is the
    reason of those who have ended. `entered` is written by the turn that moved them.
    """

    version = models.ForeignKey(SequenceVersion, on_delete=models.CASCADE)
    step = models.CharField(max_length=40)
    here = models.IntegerField(default=0)
    entered = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["version", "step"], name="stepmove_of_version")]


class ColleagueNotice(models.Model):
    """A member of staff is asked to look at a contact: in the program, and by mail without words.

    The id is made of the enrolment and its step: the same step asks once.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey("crm.Account", on_delete=models.CASCADE)
    contact_id = models.UUIDField()
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE)
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    # Where a mail with the link goes; empty for none.
    address = models.CharField(max_length=254, blank=True)
    # waiting, handing, sent, failed, refused (a contact's address), enough (for this hour); empty
    # for none
    mail_state = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-at", "-id"], name="colleaguenotice_newest"),
            models.Index(
                fields=["at"], condition=Q(mail_state="waiting"), name="colleaguenotice_mail"
            ),
        ]
