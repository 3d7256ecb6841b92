"""The letters that consent asks for: one row in the ledger each, in the asker's transaction."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.doorbells import ring_letters
from campaigns.models import Delivery, DeliveryKind


class LetterCourier:
    """Registered at start with consent, which knows nobody above it."""

    def plan_letter(
        self, *, kind: str, reference_id: UUID, subject_id: UUID, now: datetime
    ) -> None:
        """Plan one letter; the same request twice plans one."""
        self.plan_letters(kind=kind, letters={reference_id: subject_id}, now=now)

    def plan_letters(self, *, kind: str, letters: Mapping[UUID, UUID], now: datetime) -> None:
        """Plan many at once (request -> person); the same request twice plans one."""
        Delivery.objects.bulk_create(
            [
                Delivery(
                    contact_id=subject_id,
                    kind=DeliveryKind[kind.upper()],
                    reference_id=reference_id,
                    due_at=now,
                    planned_at=now,
                )
                for reference_id, subject_id in letters.items()
            ],
            ignore_conflicts=True,
        )
        transaction.on_commit(ring_letters, using="default", robust=True)
