"""Signed calls to other systems: who is called, what waits, and how each try went."""

from django.db import models
from django.db.models import Q


class WebhookEndpoint(models.Model):
    """An address that is told of events. Its secrets are sealed."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    # The kinds of events it is told of.
    kinds = models.JSONField(default=list)
    secret = models.BinaryField()
    # Signs beside the new one until then, so that the receiver can change over.
    old_secret = models.BinaryField(null=True)
    old_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField()
    # Since when every try has failed; null: the last one did not.
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    # by_staff, failing, gone
    disabled_reason = models.CharField(max_length=16, blank=True)
    removed_at = models.DateTimeField(null=True)


class WebhookEvent(models.Model):
    """The outbox: an event and its ids, written in the transaction in which it happened."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=40)
    ids = models.JSONField()
    at = models.DateTimeField()


class CallState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    # Its endpoint was disabled or removed before it got through.
    DROPPED = "dropped"


class WebhookCall(models.Model):
    """One event on its way to one endpoint."""

    id = models.UUIDField(primary_key=True)
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE)
    state = models.CharField(max_length=8, choices=CallState.choices, default=CallState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhookcall_once")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "id"],
                condition=Q(state="waiting"),
                name="webhookcall_waiting",
            ),
            models.Index(
                fields=["endpoint", "lease_until"],
                condition=Q(state="waiting", lease_until__isnull=False),
                name="webhookcall_in_flight",
            ),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhookcall_newest"),
            models.Index(fields=["created_at"], name="webhookcall_by_age"),
        ]


class WebhookAttempt(models.Model):
    """One try: when, what was answered, how long it took. No body of any kind is kept."""

    call = models.ForeignKey(WebhookCall, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    # A word: refused_address, no_connection, timeout, no_tls, bad_answer; empty where it answered.
    failure = models.CharField(max_length=24, blank=True)
    duration_ms = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["call", "at"], name="webhookattempt_of_call")]
