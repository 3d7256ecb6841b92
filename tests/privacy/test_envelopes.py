"""Envelopes: dropped without rights to read, opened once, put aside when they cannot be."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from pytest_django import Settings

from privacy import services
from privacy.envelopes import SEALING_KEY_LIFE
from privacy.models import Envelope, SealingKeyPair, SealingPublicKey
from privacy.services import IntakeClosed, OpenedEnvelope, Refused
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _drop(number: UUID | None = None, **document: object) -> UUID:
    number = number or uuid4()
    services.drop_envelope(
        kind="submission", context="contact", envelope_id=number, document=document, now=NOW
    )
    return number


def _drain(seen: list[OpenedEnvelope]) -> services.Drained:
    return services.drain_envelopes(kind="submission", handle=seen.append, limit=100, now=NOW)


def test_what_is_dropped_arrives_once_and_its_row_goes() -> None:
    number = _drop(email="alice@example.org")
    _drop(number, email="alice@example.org")
    seen: list[OpenedEnvelope] = []
    assert _drain(seen) == services.Drained(handled=1, quarantined=0, left=0)
    assert (seen[0].id, seen[0].context) == (number, "contact")
    assert seen[0].document == {"email": "alice@example.org"}
    assert not Envelope.objects.exists()


def test_nothing_readable_reaches_the_table_or_the_intake_journal(settings: Settings) -> None:
    _drop(email="canary.person@example.org")
    row = Envelope.objects.get()
    folder: Path = settings.INTAKE_JOURNAL_DIR
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    assert bytes(row.sealed) in written
    assert b"canary" not in bytes(row.sealed) + written


def test_an_envelope_moved_to_another_form_is_put_aside() -> None:
    _drop(email="alice@example.org")
    Envelope.objects.update(context="newsletter")
    seen: list[OpenedEnvelope] = []
    assert _drain(seen) == services.Drained(handled=0, quarantined=1, left=0)
    assert not seen
    assert Envelope.objects.get().failure == "unreadable"


def test_a_refused_one_is_put_aside_with_its_code() -> None:
    _drop(email="alice@example.org")

    def refuse(envelope: OpenedEnvelope) -> None:
        raise Refused("form_unknown")

    services.drain_envelopes(kind="submission", handle=refuse, limit=10, now=NOW)
    assert Envelope.objects.get().failure == "form_unknown"


def test_a_failure_keeps_the_envelope_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    _drop(email="canary.person@example.org")
    _drop(email="other@example.org")

    def fail_once(envelope: OpenedEnvelope) -> None:
        if "canary" in envelope.document["email"]:
            raise ValueError(envelope.document["email"])

    drained = services.drain_envelopes(kind="submission", handle=fail_once, limit=10, now=NOW)
    assert drained == services.Drained(handled=1, quarantined=0, left=1)
    assert Envelope.objects.get().quarantined_at is None
    assert "ValueError" in caplog.text
    assert "canary" not in caplog.text


def test_without_a_sealing_key_the_intake_is_closed() -> None:
    SealingPublicKey.objects.all().delete()
    with pytest.raises(IntakeClosed):
        _drop(email="alice@example.org")


def test_without_its_journal_the_intake_is_closed(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    settings.INTAKE_JOURNAL_DIR = blocked / "folder"
    with pytest.raises(IntakeClosed):
        _drop(email="alice@example.org")


def test_a_spent_sealing_key_dies_but_not_while_an_envelope_waits_for_it() -> None:
    number = _drop(email="alice@example.org")
    first = SealingPublicKey.objects.get().id
    services.refresh_sealing_key(now=NOW + timedelta(days=1))
    services.refresh_sealing_key(now=NOW + timedelta(days=1))
    assert SealingPublicKey.objects.count() == 2
    late = NOW + timedelta(days=1) + SEALING_KEY_LIFE
    services.refresh_sealing_key(now=late)
    assert SealingKeyPair.objects.filter(id=first).exists()
    seen: list[OpenedEnvelope] = []
    _drain(seen)
    assert seen[0].id == number
    services.refresh_sealing_key(now=late)
    assert not SealingKeyPair.objects.filter(id=first).exists()
    assert not SealingPublicKey.objects.filter(id=first).exists()


def test_two_workers_never_handle_one_envelope_at_once() -> None:
    for _ in range(4):
        _drop(email="alice@example.org")
    seen: list[OpenedEnvelope] = []
    with transaction.atomic(using="intake"):
        list(Envelope.objects.select_for_update())
        # The rows are held here; another connection passes over them.
        import psycopg

        from tests.plugin import CLUSTER, NAMES, PASSWORDS

        dsn = CLUSTER.dsn(
            database=NAMES["intake"], user="accord_worker", password=PASSWORDS["accord_worker"]
        )
        with psycopg.connect(dsn) as other:
            skipped = other.execute(
                "SELECT count(*) FROM (SELECT 1 FROM privacy_envelope FOR UPDATE SKIP LOCKED) s"
            ).fetchone()
    assert skipped == (0,)
    assert _drain(seen).handled == 4
