"""A new key for fingerprints: nothing that was said before it is forgotten."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from pytest_django import Settings

from consent import services
from consent.models import Suppression, SuppressionRekeying
from consent.suppression import is_suppressed, rows_by_epoch
from crm.services import Person, receive_many
from privacy.fingerprint_epochs import drop_fingerprints, rotate_fingerprints
from privacy.journal import journal
from privacy.models import JournalApplied, RetentionClass
from privacy.services import fingerprint_emails, fingerprint_epochs, fingerprint_phones
from privacy.vault.keyring import (
    LINKS_LIVE,
    EpochInUse,
    KeysMissing,
    LocalKeyRing,
    key_ring,
)
from privacy.vault.store import destroy_keys
from tests.conftest import NOW
from tests.consent.people import ALICE, BOB, decide, later, newsletter, permitted, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("own_ring"),
]
PHONE = "+33612345678"


@pytest.fixture
def own_ring(vault: None, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """The keys of this installation in a folder that the next test does not meet."""
    folder = tmp_path / "keys"
    shutil.copytree(settings.KEYS_DIR, folder)
    settings.KEYS_DIR = folder
    key_ring.cache_clear()
    yield
    key_ring.cache_clear()


def _rotate(*, is_settled: bool = True) -> int:
    epoch = rotate_fingerprints(now=NOW)
    if is_settled:
        _settle(epoch)
    return epoch


def _settle(epoch: int) -> None:
    long_ago = NOW.timestamp() - 10 * 365 * 86_400
    os.utime(key_ring().folder / f"fingerprint-{epoch:06d}.json", (long_ago, long_ago))


def _contact(email: str = ALICE, phone: str = PHONE) -> UUID:
    person = Person(email=email, given_name="Alice", phone=phone)
    contact = receive_many(people=[(person, {"language": "fr", "source": "test"})], now=NOW)[0]
    submit(contact, newsletter(is_ticked=True), email=email, needs_confirmation=False)
    return contact


def _link(contact: UUID, email: str = ALICE) -> str:
    links = services.opt_out_links(subjects={contact: email}, purpose_code="newsletter", now=NOW)
    return links[contact].one_click_url.rsplit("/", 1)[1]


def _is_suppressed(email: str, purpose: str = "newsletter") -> bool:
    """What the statement that hands over asks."""
    marks = fingerprint_emails(emails=[email])[0].marks
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_is_suppressed(1, %s, %s)", [marks, purpose])
        row = cursor.fetchone()
    return bool(row and row[0])


def test_an_address_is_asked_about_under_every_key_and_written_under_the_newest() -> None:
    before = fingerprint_emails(emails=["alice+shop@example.org"])[0]
    assert _rotate() == 2
    after = fingerprint_emails(emails=["alice+shop@example.org"])[0]
    assert after.epoch == 2
    assert after.others == (before,)
    assert after.marks == after.exact + after.wide + before.exact + before.wide
    decide("by_address", email=BOB)
    assert rows_by_epoch() == {2: 1}
    assert _is_suppressed(BOB)


def test_a_new_key_is_written_under_only_once_it_has_settled() -> None:
    """A message prepared before the rotation has no mark of the new key, and its gate asks with
    the marks that it has."""
    prepared = fingerprint_emails(emails=[ALICE])[0].marks
    epoch = _rotate(is_settled=False)
    assert fingerprint_epochs() == [1, epoch]
    decide("by_address", email=ALICE)
    assert rows_by_epoch() == {1: 1}
    kept = Suppression.objects.get()
    assert bytes(kept.fingerprint) in prepared
    _settle(epoch)
    decide("by_address", email=BOB, at=later(hours=1))
    assert rows_by_epoch() == {1: 1, epoch: 1}


def test_a_no_from_before_holds_after_a_rotation_also_for_the_erased() -> None:
    contact = _contact()
    decide("by_address", email=ALICE)
    destroy_keys(subject_id=contact, retention_classes=list(RetentionClass))
    _rotate()
    assert services.rekey_suppressions(now=NOW) == 1
    assert rows_by_epoch().keys() == {1}
    assert _is_suppressed(ALICE)
    assert _is_suppressed("alice+again@example.org")
    with pytest.raises(EpochInUse, match="rows of suppression"):
        drop_fingerprints(epoch=1, now=NOW + LINKS_LIVE * 2)


def test_suppressions_of_the_living_are_written_anew_in_bounded_batches() -> None:
    people = [f"person{number}@example.org" for number in range(5)]
    for email in people:
        _contact(email)
        decide("by_address", email=email)
    decide("by_address", email="stranger@example.org")
    before = sorted(Suppression.objects.values_list("purpose_code", "reason", "created_at"))
    _rotate()
    walked = [services.rekey_suppressions(now=NOW, limit=2) for _ in range(5)]
    assert walked == [2, 2, 1, 0, 0]
    # The number is shared by all five: one row of it, moved once.
    assert rows_by_epoch() == {1: 1, 2: 6}
    assert sorted(Suppression.objects.values_list("purpose_code", "reason", "created_at")) == before
    assert all(_is_suppressed(email) for email in [*people, "stranger@example.org"])
    assert SuppressionRekeying.objects.get().finished_at == NOW
    assert SuppressionRekeying.objects.get().rewritten == 6


def test_without_an_older_suppression_nobody_is_walked() -> None:
    _contact()
    _rotate()
    assert services.rekey_suppressions(now=NOW) == 0
    assert not SuppressionRekeying.objects.exists()


def test_a_link_from_before_the_rotation_still_says_no() -> None:
    contact = _contact()
    token = _link(contact)
    _rotate()
    decide("opt_out", token=token)
    assert not permitted(contact)
    assert _is_suppressed(ALICE)
    # The person is known: the no is kept under the newest key, for the tags and the number too.
    assert rows_by_epoch() == {2: 1}


def test_a_link_from_before_the_rotation_says_no_for_the_erased() -> None:
    contact = _contact()
    token = _link(contact)
    destroy_keys(subject_id=contact, retention_classes=list(RetentionClass))
    _rotate()
    decide("opt_out", token=token)
    kept = Suppression.objects.get()
    assert (kept.epoch, kept.purpose_code) == (1, "newsletter")
    assert _is_suppressed(ALICE)


def test_a_yes_after_the_rotation_lifts_what_was_said_before_it() -> None:
    contact = _contact()
    token = _link(contact)
    clicked = decide("opt_out", token=token)
    assert rows_by_epoch() == {1: 1}
    _rotate()
    services.rekey_suppressions(now=NOW)
    assert rows_by_epoch() == {2: 1}
    decide("undo", token=token, decision=str(clicked), at=later(hours=1))
    assert permitted(contact)
    assert not Suppression.objects.exists()


def test_a_replay_writes_under_the_key_that_the_journal_names() -> None:
    mark = JournalApplied.objects.get()
    _rotate()
    with transaction.atomic():  # what a restore forgets
        decide("by_address", email=BOB)
        transaction.set_rollback(True)
    mark.save()
    services.apply_waiting_decisions(now=NOW)
    assert rows_by_epoch() == {2: 1}
    assert _is_suppressed(BOB)


def test_a_journal_line_without_an_epoch_is_of_the_first_key() -> None:
    old = fingerprint_emails(emails=[BOB])[0]
    _rotate()
    ours = journal()
    fields = {
        "exact": old.exact.hex(),
        "wide": old.wide.hex(),
        "purposes": "*",
        "method": "by_address",
        "source": str(uuid4()),
        "at": NOW.isoformat(),
        "language": "fr",
        "indicated_by": "subject",
        "actor": "",
    }
    with ours.locked():
        ours.append("consent.no", None, fields, NOW)
    services.apply_waiting_decisions(now=NOW)
    assert rows_by_epoch() == {1: 1}
    assert _is_suppressed(BOB)


def test_a_key_is_dropped_once_no_row_and_no_living_link_needs_it() -> None:
    contact = _contact()
    token = _link(contact)
    with pytest.raises(EpochInUse, match="successor"):
        drop_fingerprints(epoch=1, now=NOW)
    _rotate()
    with pytest.raises(EpochInUse, match="living until"):
        drop_fingerprints(epoch=1, now=NOW + LINKS_LIVE - timedelta(days=1))
    drop_fingerprints(epoch=1, now=NOW + LINKS_LIVE)
    drop_fingerprints(epoch=1, now=NOW + LINKS_LIVE)
    assert fingerprint_epochs() == [2]
    # Older than that, a link still ends the permission of whoever is known, and keeps their no.
    decide("opt_out", token=token)
    assert not permitted(contact)
    assert rows_by_epoch() == {2: 1}


def test_a_dropped_number_never_comes_back() -> None:
    _rotate()
    assert _rotate() == 3
    ring = key_ring()
    ring.drop_fingerprint_epoch(2, now=NOW + LINKS_LIVE)
    with pytest.raises(KeysMissing):
        LocalKeyRing(ring.folder).fingerprint_key(2)
    assert ring.fingerprint_epochs() == [1, 3]
    assert ring.add_fingerprint_epoch(now=NOW) == 4


def test_fingerprint_keys_of_two_epochs_cannot_be_exchanged() -> None:
    _rotate()
    _rotate()
    folder = key_ring().folder
    second, third = (folder / f"fingerprint-00000{n}.json" for n in (2, 3))
    third.write_bytes(second.read_bytes())
    fresh = LocalKeyRing(folder)
    assert fresh.fingerprint_key(2) == key_ring().fingerprint_key(2)
    with pytest.raises(KeysMissing):
        fresh.fingerprint_key(3)


def test_the_first_key_is_the_one_that_was_always_used() -> None:
    assert key_ring().fingerprint_key(1) == key_ring().derived("fingerprint|1")
    mark = fingerprint_phones(phones=[PHONE])[0]
    assert (mark.exact, mark.epoch, mark.others) == (mark.wide, 1, ())


def test_the_command_rotates_counts_and_refuses() -> None:
    decide("by_address", email=BOB)
    out = StringIO()
    call_command("keys", "rotate-fingerprints", stdout=out)
    call_command("keys", "status", stdout=out)
    assert "Fingerprint epoch 2 is made." in out.getvalue()
    assert "fingerprint epoch 1: opens, is written under, 1 rows hold it" in out.getvalue()
    assert "fingerprint epoch 2: opens, is asked about, 0 rows hold it" in out.getvalue()
    with pytest.raises(CommandError, match="1 rows of suppression"):
        call_command("keys", "drop-fingerprints", "1")
    Suppression.objects.update(epoch=9)
    with pytest.raises(CommandError, match=r"Suppressions .* gone: \[9\]"):
        call_command("keys", "status", stdout=out)


def test_a_no_moved_to_the_new_key_is_one_no() -> None:
    """Said again after the rotation and before the walk: the older row gives way."""
    _contact()
    decide("by_address", email=ALICE)
    _rotate()
    decide("by_address", email=ALICE, at=later(hours=1))
    assert rows_by_epoch() == {1: 2, 2: 2}
    services.rekey_suppressions(now=NOW)
    assert rows_by_epoch() == {2: 2}
    assert is_suppressed(
        fingerprints=fingerprint_emails(emails=[ALICE])[0], purpose_code="newsletter"
    )
