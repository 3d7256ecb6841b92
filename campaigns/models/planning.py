"""How a campaign is to start, what is compared in it, and its later rounds."""

from django.db import models
from django.db.models import F, Q

from campaigns.models.campaigns import Campaign


class LaunchPlan(models.Model):
    """What somebody asked for before a campaign started; one per campaign, kept afterwards."""

    campaign = models.OneToOneField(
        Campaign, primary_key=True, on_delete=models.CASCADE, related_name="plan"
    )
    # Whom to tell when it does not start.
    asked_by = models.UUIDField(null=True)
    # Each person gets it at the hour of `scheduled_at` on the clocks of their own country.
    is_by_local_hour = models.BooleanField(default=False)
    # When the audience is frozen: the moment itself, or the first zone's.
    start_at = models.DateTimeField(null=True)
    # When a worker began to freeze the audience: what the page shows meanwhile.
    freezing_at = models.DateTimeField(null=True)
    # The newest request for a second person, and why it was refused: a word of a closed list.
    approval_id = models.UUIDField(null=True)
    refusal_reason = models.CharField(max_length=20, blank=True)
    # How many people rounds wrote to since a second person last agreed.
    sent_alone = models.PositiveIntegerField(db_default=0)
    # The round that is being prepared or sent, and whom it takes up again.
    round = models.PositiveSmallIntegerField(default=1)
    with_failed = models.BooleanField(default=False)
    with_unknown = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["start_at"], condition=Q(start_at__isnull=False), name="plan_start"
            )
        ]


class WinnerRule(models.TextChoices):
    CLICKS = "clicks"
    OPENS = "opens"
    OPT_OUTS = "opt_outs"
    PERSON = "person"


class ComparisonOutcome(models.TextChoices):
    """What the comparison showed. All but the first two end with the first variant."""

    WINNER = "winner"
    PERSON = "person"
    RULED_OUT = "ruled_out"
    NO_DIFFERENCE = "no_difference"
    TOO_FEW = "too_few"


class Comparison(models.Model):
    """The A/B test of a campaign: settings while it is a draft, then what came of it."""

    campaign = models.OneToOneField(
        Campaign, primary_key=True, on_delete=models.CASCADE, related_name="comparison"
    )
    variants = models.PositiveSmallIntegerField()
    sample_percent = models.PositiveSmallIntegerField()
    rule = models.CharField(max_length=12, choices=WinnerRule.choices)
    wait_minutes = models.PositiveIntegerField()
    # Fixed when the last message of the sample has its outcome; nobody looks before.
    decide_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    winner = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(max_length=16, choices=ComparisonOutcome.choices, blank=True)
    # Per variant: [messages, of them with the event], as counted at the decision.
    tally = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(variants__gte=2, variants__lte=4), name="comparison_variants"
            ),
            models.CheckConstraint(
                condition=Q(sample_percent__gte=1, sample_percent__lte=100),
                name="comparison_sample",
            ),
            models.CheckConstraint(
                condition=Q(winner__isnull=True) | Q(winner__lt=F("variants")),
                name="comparison_winner",
            ),
            models.CheckConstraint(
                condition=Q(winner__isnull=True, decided_at__isnull=True)
                | Q(winner__isnull=False, decided_at__isnull=False),
                name="comparison_decided",
            ),
        ]


class Round(models.Model):
    """A campaign's later round, to whoever was missed: how many of each kind it planned."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField()
    planned_at = models.DateTimeField()
    planned_by = models.UUIDField(null=True)
    newcomers = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="round_once"),
            models.CheckConstraint(condition=Q(number__gte=2), name="round_number"),
        ]
