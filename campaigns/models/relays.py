"""The ways out: relays, what they may carry and how fast, and how they are."""

from django.db import models
from django.db.models import Q


class RelayState(models.TextChoices):
    """A circuit breaker: closed lets messages through, open none, half open a few to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Relay(models.Model):
    """What is known of a way out besides its address, which holds a password: the settings have it.

    A limit that is empty is none.
    """

    # `default` is ACCORD_RELAY_URL; any other has its address in ACCORD_RELAY_URLS.
    code = models.CharField(primary_key=True, max_length=40)
    # Taken out by a person, until a person brings it back.
    is_enabled = models.BooleanField(db_default=True)
    weight = models.PositiveSmallIntegerField(db_default=100)
    carries_letters = models.BooleanField(db_default=True)
    carries_newsletters = models.BooleanField(db_default=True)
    # Domains of From that it may send for; empty: every one.
    sender_domains = models.JSONField(default=list)
    per_second = models.PositiveIntegerField(null=True)
    per_minute = models.PositiveIntegerField(null=True)
    per_hour = models.PositiveIntegerField(null=True)
    per_day = models.PositiveIntegerField(null=True)
    max_connections = models.PositiveSmallIntegerField(null=True)
    # Warm-up: so many on its first day, times the growth each day, for so many days.
    warm_up_from = models.DateField(null=True)
    warm_up_first_day = models.PositiveIntegerField(null=True)
    warm_up_growth_percent = models.PositiveSmallIntegerField(null=True)
    warm_up_days = models.PositiveSmallIntegerField(null=True)
    # A digest with our key: with another address or password, what was wrong may be over.
    address_print = models.BinaryField(null=True)
    state = models.CharField(max_length=10, choices=RelayState.choices, default=RelayState.CLOSED)
    failures = models.PositiveSmallIntegerField(db_default=0)
    failure = models.CharField(max_length=32, blank=True)
    failed_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    # One worker tries it while it is half open; this long, then another may.
    probe_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(weight__range=(1, 1000)), name="relay_weight"),
            models.CheckConstraint(
                condition=Q(
                    warm_up_from__isnull=True,
                    warm_up_first_day__isnull=True,
                    warm_up_growth_percent__isnull=True,
                    warm_up_days__isnull=True,
                )
                | Q(
                    warm_up_from__isnull=False,
                    warm_up_first_day__gte=1,
                    warm_up_growth_percent__range=(100, 1000),
                    warm_up_days__range=(1, 365),
                ),
                name="relay_warm_up_whole",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 1}),
                    name=f"relay_{name}_positive",
                )
                for name in ("per_second", "per_minute", "per_hour", "per_day", "max_connections")
            ),
        ]


class RelayChange(models.Model):
    """Who changed a relay or the limits of a mail service, and how; never its address."""

    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    relay_code = models.CharField(max_length=40, blank=True)
    service = models.CharField(max_length=20, blank=True)
    what = models.CharField(max_length=12)
    detail = models.JSONField(default=dict)


class MailServiceLimit(models.Model):
    """The limits of one big mail service, where they are others than ours (mail_services.py)."""

    service = models.CharField(primary_key=True, max_length=20)
    per_second = models.PositiveIntegerField(null=True)
    per_minute = models.PositiveIntegerField(null=True)
    per_hour = models.PositiveIntegerField(null=True)
    per_day = models.PositiveIntegerField(null=True)


class RelayAllowance(models.Model):
    """What a relay was let through lately, in whole and to each big mail service.

    A service is one of a reviewed list or nothing (the relay as a whole): the domain of somebody's
    own would be personal data.
    """

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="allowances")
    service = models.CharField(max_length=20, blank=True)
    # unit -> {slice: messages}, of the slices that still count.
    used = models.JSONField(default=dict)
    # What is sent back to the queue comes again one behind the other: this far they are lined up.
    promised_until = models.DateTimeField(null=True)
    # It said "later": nothing before, and slower after.
    paused_until = models.DateTimeField(null=True)
    storms = models.PositiveSmallIntegerField(db_default=0)
    slowed_to = models.FloatField(null=True)  # messages a second
    slowed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relay", "service"], name="relay_allowance_once"),
            # No dot fits in: no domain can stand here.
            models.CheckConstraint(
                condition=Q(service__regex=r"^[a-z]*$"), name="relay_allowance_of_a_service"
            ),
            models.CheckConstraint(
                condition=Q(slowed_to__isnull=True) | Q(slowed_to__gt=0),
                name="relay_allowance_slowed_positive",
            ),
        ]


class RelaySlot(models.Model):
    """One of a relay's connections, and the worker that holds it until its lease ends."""

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=64)
    lease_until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relay", "number"], name="relay_slot_once")]
