"""Senders that a relay does not take mail from."""

from django.db import models

from campaigns.models.relays import Relay


class SenderRefusal(models.Model):
    """A relay takes no mail from one sender domain; it works, and others send over it.

    A domain of a campaign's From is one of the organisation's own: nobody's data.
    """

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="refusals")
    sender_domain = models.CharField(max_length=253)
    failures = models.PositiveSmallIntegerField(db_default=0)
    failed_at = models.DateTimeField()
    # Nothing from this domain before; then one worker tries one message.
    open_until = models.DateTimeField()
    # Somebody is trying it: this long, then another may.
    probe_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relay", "sender_domain"], name="sender_refusal_once")
        ]
