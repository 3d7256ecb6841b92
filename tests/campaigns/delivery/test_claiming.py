"""Each queue of messages without a campaign is claimed by its kind, whatever else waits."""

from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from campaigns.delivery import statements
from campaigns.models import Delivery, DeliveryKind

pytestmark = pytest.mark.django_db(databases=["default"])


def waiting(kind: DeliveryKind, count: int) -> None:
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(
            contact_id=uuid4(), reference_id=uuid4(), kind=kind, state=1, due_at=now, planned_at=now
        )
        for _number in range(count)
    )


@pytest.mark.parametrize("name", ["claim_single", "claim_letters"])
def test_a_backlog_of_letters_is_not_read_through(name: str) -> None:
    waiting(DeliveryKind.INFORMATION, 5000)
    waiting(DeliveryKind.REPLY, 2)
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE campaigns_delivery")
        cursor.execute(
            "EXPLAIN (ANALYZE, TIMING off) " + statements.statement(name),
            {"worker": "w", "size": 20, "lease": 60},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "delivery_queued_by_kind" in plan
    assert "Rows Removed by Filter" not in plan
    assert name == "claim_single" or "Sort Method" not in plan  # two kinds are merged, and few


def test_confirmations_come_before_everything_that_an_import_planned() -> None:
    waiting(DeliveryKind.INFORMATION, 5)
    waiting(DeliveryKind.OPTED_OUT, 2)
    waiting(DeliveryKind.CONFIRMATION, 2)
    found = []
    for _turn in range(3):
        rows = statements.claim(campaign_id=None, worker="w", size=3, kind="gate_letters")
        found += [sorted(row.kind for row in rows)]
    assert found == [[2, 2, 5], [4, 4, 5], [4, 4, 4]]
