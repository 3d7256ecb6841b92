"""How leads are followed up: notes, reminders, what the bell of the shell tells, scores."""

from django.db import models
from django.db.models import Q

from crm.models.accounts import Account
from crm.models.people import Contact, Lead


class LeadNote(models.Model):
    """What a member of staff wrote about a lead: sealed, because it is about a person."""

    id = models.UUIDField(primary_key=True)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="notes")
    # Whose key opens it: a merge moves the lead to another contact, and the key stays.
    subject_id = models.UUIDField(db_index=True)
    written_by = models.UUIDField()
    written_at = models.DateTimeField()
    sealed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["lead", "written_at", "id"], name="leadnote_of_lead")]


class LeadReminder(models.Model):
    """On which moment somebody wants to be told to come back to a lead. One at a time per lead."""

    id = models.UUIDField(primary_key=True)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="reminders")
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.UUIDField()
    # When the bell rang for it.
    told_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(done_at__isnull=True), name="leadreminder_open_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=Q(done_at__isnull=True), name="leadreminder_due"
            ),
            models.Index(
                fields=["account", "due_at"],
                condition=Q(done_at__isnull=True),
                name="leadreminder_of_account",
            ),
        ]


class Notification(models.Model):
    """Something an account should look at: a kind and ids, never words about a person."""

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    kind = models.CharField(max_length=32)
    reference = models.JSONField(default=dict)
    # The same thing is told once: the cause makes it.
    cause = models.CharField(max_length=120)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "cause"], name="notification_once")
        ]
        indexes = [
            models.Index(fields=["account", "-at", "-id"], name="notification_newest"),
            models.Index(
                fields=["account"], condition=Q(read_at__isnull=True), name="notification_unread"
            ),
        ]


class ScoreRule(models.Model):
    """Points for whoever is in a rule tree of the segment language."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=80)
    rules = models.JSONField()
    points = models.SmallIntegerField()
    # The points halve with each so many days since the person's last act; null: they stay.
    half_life_days = models.PositiveSmallIntegerField(null=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gte=-100, points__lte=100), name="scorerule_points_bounded"
            ),
            models.CheckConstraint(
                condition=Q(half_life_days__isnull=True) | Q(half_life_days__gte=1),
                name="scorerule_half_life_positive",
            ),
        ]


class ContactScore(models.Model):
    """The points of a contact and where they are from; `points` is null for whoever gets none."""

    contact = models.OneToOneField(Contact, primary_key=True, on_delete=models.CASCADE)
    points = models.SmallIntegerField(null=True)
    # [[id of the rule, points]], or the reason in one word why there is no score.
    parts = models.JSONField(default=list)
    refusal = models.CharField(max_length=24, blank=True)
    # Null: something happened since, or it was never reckoned.
    computed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refusal="") | Q(points__isnull=True), name="contactscore_or_refusal"
            )
        ]
        indexes = [
            models.Index(
                models.F("computed_at").asc(nulls_first=True), "contact", name="contactscore_stale"
            ),
        ]
