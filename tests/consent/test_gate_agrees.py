"""The gate has one opinion: asked for one person, for a set, and from Python."""

from uuid import UUID, uuid4

import pytest
from django.db import connection

from consent import services
from consent.models import Basis, LedgerEvent, Permission, State
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default"])


def test_every_state_is_judged_alike_one_by_one_and_as_a_set() -> None:
    services.seed_purposes(now=NOW)
    held: dict[UUID, State] = {}
    for state in State:
        subject = uuid4()
        event = LedgerEvent.objects.create(
            record_id=uuid4(),
            schema_version="1",
            subject_id=subject,
            channel="email",
            purpose_id="newsletter",
            basis=Basis.CONSENT,
            event_state=state,
            event_type="test",
            event_at=NOW,
            received_at=NOW,
            indicated_by="subject",
            method="form",
            language="fr",
            notice_sha256=bytes(32),
            source_id=uuid4(),
            entry_hash=bytes(32),
        )
        Permission.objects.create(
            subject_id=subject,
            purpose_id="newsletter",
            channel="email",
            state=state,
            basis=Basis.CONSENT,
            since=NOW,
            event=event,
            folded_at=NOW,
            folded_seq=event.seq,
        )
        held[subject] = state
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, refusal, consent_refusal(subject_id, 'newsletter', 'email'),"
            " consent_permits(subject_id, 'newsletter', 'email')"
            " FROM consent_refusals('newsletter', 'email')"
        )
        rows = cursor.fetchall()
    assert {row[0] for row in rows} == set(held)
    for subject, as_a_set, alone, is_permitted in rows:
        assert as_a_set == alone, held[subject]
        assert is_permitted == (alone is None), held[subject]
