"""What mails are made of beside their words: images, brands, blocks kept by name; and what was
found in a campaign before its launch."""

from django.db import models
from django.db.models import Q

from campaigns.models.campaigns import Campaign
from privacy.services import IntakeModel


class Image(models.Model):
    """A picture of the library, in the two widths in which it was made anew."""

    id = models.UUIDField(primary_key=True)
    # 128 random bits: whoever has not been sent the picture cannot ask for it.
    token = models.CharField(max_length=22, unique=True)
    extension = models.CharField(max_length=4)
    name = models.CharField(max_length=120)
    alt = models.CharField(max_length=300, blank=True)
    is_decorative = models.BooleanField(default=False)
    # SHA-256 of what was uploaded: the same file is kept once.
    digest = models.BinaryField(unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    large = models.BinaryField()
    # Empty where the large one is narrow enough.
    small = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    archived_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(alt="", is_decorative=True) | (~Q(alt="") & Q(is_decorative=False)),
                name="image_alt_or_decorative",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="image_newest"),
            models.Index(
                fields=["created_at"], condition=Q(published_at=None), name="image_unpublished"
            ),
        ]


class PublishedImage(IntakeModel):
    """A file of an image as the public side serves it, under the digest of its name."""

    name_hash = models.BinaryField(primary_key=True)
    extension = models.CharField(max_length=4)
    content = models.BinaryField()


class Brand(models.Model):
    """A look, its footer and its sender: what mails take where they say nothing else."""

    id = models.UUIDField(primary_key=True)
    # How a template names it: <mjml accord-brand="...">.
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    logo = models.ForeignKey(Image, null=True, on_delete=models.PROTECT)
    main_colour = models.CharField(max_length=7)
    band_colour = models.CharField(max_length=7)
    page_colour = models.CharField(max_length=7)
    text_colour = models.CharField(max_length=7)
    font = models.CharField(max_length=16)
    heading_font = models.CharField(max_length=16)
    footer_fr = models.CharField(max_length=300, blank=True)
    footer_en = models.CharField(max_length=300, blank=True)
    sender_name = models.CharField(max_length=120, blank=True)
    sender_address = models.CharField(max_length=254, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="brand_one_default"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(archived_at=None), name="brand_default_in_use"
            ),
        ]


class SavedBlock(models.Model):
    """A piece of a mail that the team keeps under a name, to be copied into others."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    mjml = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["name", "id"], name="savedblock_by_name")]


class PreflightState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"


class Preflight(models.Model):
    """What was found in a campaign's words before its launch; one per campaign, the latest."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE)
    # The campaign's `updated_at` when it was asked for: older words, older findings.
    words_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=PreflightState.choices)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    steps_done = models.PositiveSmallIntegerField(default=0)
    steps = models.PositiveSmallIntegerField(default=0)
    # How often a worker has begun it: what killed two of them is not given to a third.
    claims = models.PositiveSmallIntegerField(db_default=0)
    findings = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(
                fields=["asked_at"],
                condition=Q(state=PreflightState.WAITING),
                name="preflight_waiting",
            )
        ]
