"""Messages to one person: what staff answer, and later what other systems ask to be sent."""

from django.db import models
from django.db.models import Q


class ReplyTemplate(models.Model):
    """Words to begin an answer from. What is sent keeps its own copy."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["name"], condition=Q(archived_at__isnull=True), name="replytemplate_by_name"
            )
        ]


class OutgoingMessage(models.Model):
    """One message to one contact; its row of the delivery ledger has the same id as reference.

    The words are sealed under the contact's own key of class activity: they die with it.
    """

    id = models.UUIDField(primary_key=True)
    contact_id = models.UUIDField()
    # Whose key opens it, also after a merge.
    subject_id = models.UUIDField(db_index=True)
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    # What it answers: a lead of the same contact. An answer to a request rests on the request.
    lead_id = models.UUIDField(null=True)
    template = models.ForeignKey(ReplyTemplate, null=True, on_delete=models.SET_NULL)
    language = models.CharField(max_length=5)
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["lead_id", "created_at"],
                condition=Q(lead_id__isnull=False),
                name="outgoingmessage_of_lead",
            )
        ]
