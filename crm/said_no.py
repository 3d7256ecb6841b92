"""What follows here when a person says no: their score ends, and other systems are told."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, transaction

from crm.models import Contact
from crm.scoring.reckoning import OBJECTED, forget_score, is_about_everything
from crm.webhooks.publishing import publish_event

logger = logging.getLogger("crm")


def follow(subject_id: UUID, purpose_codes: Sequence[str], at: datetime) -> None:
    """Called in the transaction of the no, which must never fail by what follows from it: it has
    a savepoint of its own, and a failure is logged. Safe to repeat."""
    try:
        with transaction.atomic():
            if not Contact.objects.filter(id=subject_id).exists():
                return
            if is_about_everything(purpose_codes):
                forget_score(contact_id=subject_id, refusal=OBJECTED)
            publish_event(kind="contact.opted_out", ids={"contact_id": str(subject_id)}, at=at)
    except DatabaseError as error:
        logger.error("what follows a no of %s failed: %s", subject_id, type(error).__name__)
