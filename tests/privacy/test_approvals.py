"""What needs two people is agreed to by another person, once, and for exactly what was asked."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from privacy.approvals import (
    NotApproved,
    NotPending,
    SamePerson,
    approve,
    refuse,
    request_approval,
    standing_approval,
    use_approval,
)
from privacy.models import Approval
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
ALICE, BOB = uuid4(), uuid4()
KIND = "export"
WHAT: dict[str, str | int] = {"rows": 500, "purpose": "reply_to_request"}
LATER = NOW + timedelta(hours=1)


def _asked() -> UUID:
    return request_approval(
        kind=KIND, reference=WHAT, requested_by=ALICE, now=NOW, expires_at=NOW + timedelta(days=1)
    )


def _use(number: UUID, **more: object) -> None:
    reference = {**WHAT, **{k: v for k, v in more.items() if isinstance(v, int)}}
    use_approval(approval_id=number, kind=KIND, reference=reference, now=LATER)


def test_what_another_person_agreed_to_is_done_once() -> None:
    number = _asked()
    approve(approval_id=number, decided_by=BOB, now=NOW)
    _use(number)
    with pytest.raises(NotApproved):
        _use(number)


def test_whoever_asked_cannot_agree() -> None:
    number = _asked()
    with pytest.raises(SamePerson):
        approve(approval_id=number, decided_by=ALICE, now=NOW)
    with pytest.raises(NotApproved):
        _use(number)


def test_the_table_refuses_the_same_person_too() -> None:
    number = _asked()
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(id=number).update(
            decided_by=ALICE, decided_at=NOW, is_approved=True
        )


def test_an_agreement_is_to_exactly_what_was_asked() -> None:
    number = _asked()
    approve(approval_id=number, decided_by=BOB, now=NOW)
    with pytest.raises(NotApproved):
        _use(number, rows=501)


def test_what_was_refused_or_is_over_cannot_be_done() -> None:
    number = _asked()
    refuse(approval_id=number, decided_by=BOB, now=NOW)
    with pytest.raises(NotApproved):
        _use(number)
    with pytest.raises(NotPending):
        approve(approval_id=number, decided_by=BOB, now=NOW)
    late = _asked()
    with pytest.raises(NotPending):
        approve(approval_id=late, decided_by=BOB, now=NOW + timedelta(days=2))


def test_a_standing_agreement_holds_until_its_end() -> None:
    number = _asked()
    assert standing_approval(kind=KIND, reference=WHAT, now=LATER) is None
    approve(approval_id=number, decided_by=BOB, now=NOW)
    assert standing_approval(kind=KIND, reference=WHAT, now=LATER) == number
    assert standing_approval(kind=KIND, reference=WHAT, now=NOW + timedelta(days=2)) is None


@pytest.mark.parametrize(
    "change",
    [{"reference": {"rows": 9}}, {"requested_by": BOB}, {"is_approved": False}, {"kind": "other"}],
)
def test_the_question_and_its_answer_stay_as_they_were(change: dict[str, object]) -> None:
    number = _asked()
    approve(approval_id=number, decided_by=BOB, now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        Approval.objects.filter(id=number).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Approval.objects.filter(id=number).delete()
