"""Forms and their versions, what is published of them, and the submissions that came in."""

from django.db import models
from django.db.models import Q

from privacy.services import IntakeModel


class Form(models.Model):
    """A form by its public code; its content is in versions."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)


class FormVersion(models.Model):
    """A version of a form. Frozen once published: records point at it for ever."""

    id = models.UUIDField(primary_key=True)
    form = models.ForeignKey(Form, on_delete=models.PROTECT)
    number = models.PositiveIntegerField()
    # {"fr": {"title": ..., "intro": ..., "submit": ..., "thanks": ...}, "en": {...}}
    texts = models.JSONField()
    # [{"name": "email", "is_required": true}, ...] out of the closed list of fields
    fields = models.JSONField()
    notice_code = models.SlugField(max_length=40)
    notice_version = models.PositiveIntegerField()
    allowed_origins = models.JSONField(default=list)
    redirect_url = models.URLField(blank=True)
    has_double_opt_in = models.BooleanField(default=True)
    has_proof_of_work = models.BooleanField(default=False)
    minimum_fill_seconds = models.PositiveSmallIntegerField(default=3)
    # Whom the form speaks to: professionals, or anyone (consumers have stricter rules).
    audience = models.CharField(max_length=16, default="professionals")
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    # Set when the public side has it (or no longer has it).
    projected_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["form", "number"], name="form_version_number"),
            models.UniqueConstraint(
                fields=["form"],
                condition=Q(published_at__isnull=False, retired_at__isnull=True),
                name="form_one_published_version",
            ),
        ]


class FormPurpose(models.Model):
    """A purpose of a form version, with the basis bound to it and the words of its control."""

    form_version = models.ForeignKey(FormVersion, on_delete=models.CASCADE, related_name="purposes")
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    channel = models.CharField(max_length=8)
    basis = models.CharField(max_length=40)
    assessment = models.ForeignKey(
        "consent.BalancingAssessment", null=True, on_delete=models.PROTECT
    )
    # Beside the box: consent wording, or opt-out wording for legitimate interest. {"fr":, "en":}
    control_texts = models.JSONField(default=dict)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["form_version", "purpose", "channel"], name="form_purpose_once"
            ),
            models.CheckConstraint(
                condition=~Q(basis="A6-1-f-controller") | Q(assessment__isnull=False),
                name="form_purpose_interest_has_assessment",
            ),
        ]


class Submission(models.Model):
    """A submission that was opened and promoted; the id is the envelope's."""

    id = models.UUIDField(primary_key=True)
    form_version = models.ForeignKey(FormVersion, on_delete=models.PROTECT)
    contact_id = models.UUIDField(db_index=True)
    language = models.CharField(max_length=5)
    received_at = models.DateTimeField()
    promoted_at = models.DateTimeField()


class PublishedForm(IntakeModel):
    """What the public side may read: the published version of a form, complete in one document."""

    code = models.SlugField(primary_key=True, max_length=40)
    version = models.PositiveIntegerField()
    document = models.JSONField()
    published_at = models.DateTimeField()
