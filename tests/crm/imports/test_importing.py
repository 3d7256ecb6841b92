"""An import from the file to its report, on the real databases."""

from datetime import timedelta

import pytest
from django.db import connections

from consent.models import LedgerEvent, LetterRequest, Permission, Suppression
from crm import services
from crm.imports import running, waiting
from crm.imports.waiting import PART_ROWS, NotReady
from crm.models import Contact, ContactTag, ImportBatch, TimelineEntry
from crm.people import profiles
from privacy.models import Blob, DataKey, RetentionClass
from privacy.services import read_documents
from tests.conftest import NOW
from tests.consent.people import decide, permitted
from tests.crm.imports.files import file_of, run, upload
from tests.crm.pages.arrivals import arrive

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
FILE = file_of(
    "alice@example.org;Alicia;Other;Elsewhere;fair",
    "bob@example.org;Bob;Martin;Bob & Co;fair",
    "nobody;;;;",
    "BOB@example.org;Bob;Again;;",
    "carol@example.org;Carol;Roy;;",
)


def test_a_look_counts_and_changes_nothing() -> None:
    arrive("Alice")
    decide("by_address", email="carol@example.org")
    batch = upload(FILE)
    at = waiting.pending(batch)
    assert at is not None and at.stage == waiting.READY
    assert (at.found["new"], at.found["known"]) == (1, 1)
    assert at.found["refusals"] == [[4, "invalid_address"], [5, "duplicate"], [6, "said_no"]]
    assert [one["fate"] for one in at.found["examples"]] == ["known", "new", "said_no"]
    assert Contact.objects.count() == 1
    assert not LedgerEvent.objects.exists()


def test_the_report_accounts_for_every_line() -> None:
    arrive("Alice")
    decide("by_address", email="carol@example.org")
    done = ImportBatch.objects.get(id=run(FILE))
    assert done.finished_at == NOW
    assert (done.rows_read, done.rows_new, done.rows_known) == (5, 1, 1)
    assert sorted((one["line"], one["reason"]) for one in done.refusals) == [
        (4, "invalid_address"),
        (5, "duplicate"),
        (6, "said_no"),
    ]
    assert "example.org" not in str(done.refusals)


def test_a_known_contact_keeps_profile_status_and_last_act_and_gets_tags_only() -> None:
    alice = arrive("Alice")
    Contact.objects.filter(id=alice).update(status="customer", restricted_at=NOW)
    before = Contact.objects.values().get(id=alice)
    profile = profiles(contact_ids=[alice])[alice]
    run(FILE, now=NOW + timedelta(days=400))
    assert Contact.objects.values().get(id=alice) == before
    assert profiles(contact_ids=[alice])[alice] == profile
    assert list(ContactTag.objects.filter(contact=alice).values_list("tag", flat=True)) == ["fair"]
    # Whoever asked that their data be left unused is not sent a letter about using it.
    assert not Permission.objects.filter(subject_id=alice).exists()


def test_the_new_ones_are_told_and_may_not_be_written_to() -> None:
    run(FILE)
    bob = Contact.objects.get(id=LetterRequest.objects.order_by("id").last().subject_id)  # type: ignore[union-attr]
    assert LetterRequest.objects.count() == 3
    assert not permitted(bob.id, "targeted_promotion")
    assert TimelineEntry.objects.filter(contact=bob, kind="imported").exists()


def test_the_file_waits_sealed_and_its_keys_die_with_the_run() -> None:
    batch = upload(FILE)
    kept = Blob.objects.filter(retention_class=RetentionClass.ACTIVITY)
    assert kept.count() == 2
    assert all(b"example" not in bytes(blob.body) for blob in kept)
    waiting.confirm(batch_id=batch)
    services.work_on_imports(now=NOW)
    assert not kept.all().exists()
    assert not DataKey.objects.filter(retention_class=RetentionClass.ACTIVITY).exists()


def test_an_import_that_is_given_up_leaves_nothing() -> None:
    batch = upload(FILE)
    waiting.give_up(batch_id=batch)
    services.work_on_imports(now=NOW)
    assert not ImportBatch.objects.exists()
    assert not Blob.objects.exists() and not DataKey.objects.exists()


def test_an_import_that_nobody_decides_about_is_destroyed_after_a_day() -> None:
    upload(FILE)
    services.work_on_imports(now=NOW + timedelta(hours=23))
    assert ImportBatch.objects.exists()
    services.work_on_imports(now=NOW + timedelta(hours=25))
    assert not ImportBatch.objects.exists() and not Blob.objects.exists()


def test_columns_can_be_chosen_and_the_file_is_looked_at_again() -> None:
    batch = upload(file_of("x;bob@example.org", header="first;second"))
    with pytest.raises(NotReady):
        waiting.confirm(batch_id=batch)
    waiting.choose_columns(batch_id=batch, mapping={"email": 1, "company": 0})
    services.work_on_imports(now=NOW)
    at = waiting.pending(batch)
    assert at is not None and at.found["new"] == 1


def test_a_worker_that_dies_between_two_parts_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [f"person{number}@example.org;;;;" for number in range(PART_ROWS + 20)]
    batch = upload(file_of(*people, people[0]))
    waiting.confirm(batch_id=batch)
    receive, calls = running._receive, []

    def dies(*args: object) -> None:
        calls.append(args)
        receive(*args)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(running, "_receive", dies)
    with pytest.raises(KeyboardInterrupt):
        services.work_on_imports(now=NOW)
    assert Contact.objects.count() == PART_ROWS
    services.work_on_imports(now=NOW)
    done = ImportBatch.objects.get()
    assert (done.rows_read, done.rows_new) == (PART_ROWS + 21, PART_ROWS + 20)
    assert done.refusals == [{"line": PART_ROWS + 22, "reason": "duplicate"}]
    assert Contact.objects.count() == LetterRequest.objects.count() == PART_ROWS + 20


def test_a_line_with_a_card_number_is_refused_and_is_not_even_kept_sealed() -> None:
    batch = upload(file_of("bob@example.org;Bob;Martin;4111 1111 1111 1111;", "a@example.org;;;;"))
    kept = read_documents(
        subject_ids=Blob.objects.values_list("subject_id", flat=True),
        retention_class=RetentionClass.ACTIVITY,
    )
    assert len(kept) == 2
    assert "4111" not in str(kept)
    assert "bob@example.org" not in str(kept)
    waiting.confirm(batch_id=batch)
    services.work_on_imports(now=NOW)
    assert ImportBatch.objects.get().refusals == [{"line": 2, "reason": "card_number"}]
    assert Contact.objects.count() == 1


def test_people_who_said_no_are_not_resurrected_by_a_file() -> None:
    run(FILE)
    for name in ("alice", "bob"):
        decide("by_address", email=f"{name}@example.org", at=NOW + timedelta(hours=1))
    kept = set(Suppression.objects.values_list("fingerprint", "purpose_code"))
    states = set(Permission.objects.values_list("subject_id", "state"))
    run(FILE, now=NOW + timedelta(days=1))
    assert set(Suppression.objects.values_list("fingerprint", "purpose_code")) >= kept
    assert set(Permission.objects.values_list("subject_id", "state")) == states


def test_a_person_who_was_deleted_after_a_no_stays_away() -> None:
    run(FILE)
    decide("by_address", email="bob@example.org", at=NOW + timedelta(hours=1))
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM crm_contacttag")
        cursor.execute("DELETE FROM crm_timelineentry")
        cursor.execute("DELETE FROM crm_contact")
        cursor.execute("DELETE FROM consent_permission")
    done = ImportBatch.objects.get(id=run(FILE, now=NOW + timedelta(days=1)))
    assert {"line": 3, "reason": "said_no"} in done.refusals
    assert Contact.objects.count() == 2
