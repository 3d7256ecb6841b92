"""A file holds whom the gate permits, when it is made and again when it leaves; nobody else."""

import csv
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from crm.contacts import record_no
from crm.exports import asking, gate, keeping, making
from crm.exports.asking import NobodyToExport, NotExportable, StillAsked, cancel_export
from crm.exports.downloading import NotMade, NotYours, begin_download
from crm.exports.keeping import FileGone
from crm.exports.listing import FAILED, state_of
from crm.exports.making import FIRST_PAUSE, destroy_exports, work_on_exports
from crm.exports.terms import FAILURES_MOST
from crm.models import Account, Contact, Export, ExportDownload
from crm.segments.store import create_segment
from privacy.models import Approval, Blob, DataKey, RetentionClass
from privacy.services import approve, refuse
from tests.conftest import NOW
from tests.consent.people import decide, promotion, submit
from tests.crm.exports.cast import DOMAIN, ask, made, person, rows_of, take, terms
from tests.crm.staff import make_account

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def mia() -> Account:
    return make_account("mia")


def _names(content: bytes) -> list[str]:
    return sorted(row["email"] for row in rows_of(content))


def test_only_whom_the_gate_permits_is_in_it_and_everybody_else_is_counted(mia: Account) -> None:
    person("alice")
    person("bob", objects=True)
    person("charlie", is_asked=False)
    restricted, bounced = person("restricted"), person("bounced")
    Contact.objects.filter(id=restricted).update(restricted_at=NOW)
    Contact.objects.filter(id=bounced).update(unreachable_at=NOW)
    export = made(mia)
    assert export.rows == 1
    assert export.left_out == {
        "objected": 1,
        "no_permission": 1,
        "restricted": 1,
        "unreachable": 1,
    }
    assert export.rows + sum(export.left_out.values()) == Contact.objects.count()
    assert _names(take(export)) == ["alice@example.org"]


def test_an_address_that_said_no_is_left_out_whoever_has_it(mia: Account) -> None:
    person("alice")
    person("bob")
    decide("by_address", email="bob@example.org", at=NOW)
    export = made(mia)
    assert _names(take(export)) == ["alice@example.org"]
    assert sum(export.left_out.values()) == 1


def test_a_no_after_the_making_keeps_the_row_back(mia: Account) -> None:
    person("alice")
    bob = person("bob")
    export = made(mia)
    assert _names(take(export)) == ["alice@example.org", "bob@example.org"]
    record_no(contact_id=bob, purpose_code="", source_id=uuid4(), actor_id=mia.id, now=NOW)
    assert _names(take(export)) == ["alice@example.org"]
    first, second = ExportDownload.objects.order_by("number")
    assert (first.rows, first.dropped) == (2, 0)
    assert (second.rows, second.dropped) == (1, 1)


def test_who_is_gone_or_restricted_since_is_kept_back(mia: Account) -> None:
    alice, bob = person("alice"), person("bob")
    export = made(mia)
    Contact.objects.filter(id=alice).update(restricted_at=NOW)
    Contact.objects.filter(id=bob).delete()
    assert rows_of(take(export)) == []
    assert ExportDownload.objects.get().dropped == 2


def test_a_segment_and_a_tag_are_frozen_as_they_were_asked_for(mia: Account) -> None:
    alice, bob = person("alice"), person("bob")
    Contact.objects.filter(id=bob).update(status="customer")
    rules = {"match": "all", "rules": [{"fact": "status", "is": "one_of", "value": ["customer"]}]}
    segment = create_segment(name="Customers", rules=rules, now=NOW)
    export = ask(mia, scope="segment", scope_id=str(segment))
    assert export.rules == rules
    work_on_exports(now=NOW)
    export.refresh_from_db()
    assert _names(take(export)) == ["bob@example.org"]
    Contact.objects.filter(id=alice).update(created_at=NOW + timedelta(hours=1))
    tagged = made(mia, scope="tag", scope_id="fair")
    assert _names(take(tagged)) == ["bob@example.org"]
    assert tagged.left_out == {"came_later": 1}


def test_columns_are_those_that_were_asked_for_and_no_others(mia: Account) -> None:
    person("alice", phone="+33612345678", company="Alice & Co", job_title="Director")
    few = take(made(mia, columns=["email", "language"])).decode().splitlines()
    assert few[0] == '"export_ref","email","language"'
    assert '"alice@example.org","fr"' in few[1] + few[2] + few[3]
    row = rows_of(take(made(mia)))[0]
    assert {name: row[name] for name in row if name != "export_ref"} == {
        "email": "alice@example.org",
        "given_name": "Alice",
        "family_name": "Martin",
        "phone": "'+33612345678",
        "company": "Alice & Co",
        "language": "fr",
        "tags": "fair",
    }
    assert "Director" not in str(row)


def test_it_is_csv_of_rfc_4180_and_no_cell_is_a_formula(mia: Account) -> None:
    person("alice", company='=HYPERLINK("http://x")', family_name='Mar"tin,\tx')
    person("bob", company="@SUM(A1)", family_name="-2+3")
    content = take(made(mia, has_bom=True))
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n") == 5
    text = content.decode().removeprefix("\ufeff")
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), strict=True) for cell in row]
    assert '\'=HYPERLINK("http://x")' in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert not take(made(mia)).startswith(b"\xef\xbb\xbf")


def test_what_cannot_be_asked_for(mia: Account) -> None:
    person("alice")
    wrongs: tuple[dict[str, Any], ...] = (
        {"purpose_code": "nothing"},
        {"channel": "sms"},
        {"reason": "because"},
        {"keep_days": 31},
        {"keep_days": 0},
        {"columns": ["email", "iban"]},
        {"columns": []},
        {"scope": "tag", "scope_id": "no-such"},
        {"scope": "segment", "scope_id": "no-such"},
        {"scope": "segment", "scope_id": str(uuid4())},
    )
    for wrong in wrongs:
        with pytest.raises(NotExportable):
            ask(mia, **wrong)
    with pytest.raises(NobodyToExport):
        ask(mia, purpose_code="newsletter")
    assert not Export.objects.exists()


def test_one_that_cannot_be_made_keeps_no_other_one_waiting(
    mia: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person("alice")
    bad, good = ask(mia), ask(mia, columns=["email"], now=NOW + timedelta(seconds=1))
    Export.objects.filter(id=bad.id).update(rules={"match": "all", "rules": [{"fact": "gone"}]})
    work_on_exports(now=NOW)
    for export in (bad, good):
        export.refresh_from_db()
    assert (bad.made_at, bad.failures, bad.refused_at) == (None, 1, None)
    assert good.made_at == NOW
    assert str(bad.id) in caplog.text
    assert "InvalidRules" in caplog.text
    assert "Traceback" not in caplog.text


def test_it_is_tried_again_later_and_given_up_at_last(mia: Account) -> None:
    person("alice")
    export = ask(mia)
    rules = {"match": "all", "rules": [{"fact": "gone"}]}
    Export.objects.filter(id=export.id).update(rules=rules)
    work_on_exports(now=NOW)
    work_on_exports(now=NOW + FIRST_PAUSE - timedelta(seconds=1))
    export.refresh_from_db()
    assert (export.failures, export.next_try_at) == (1, NOW + FIRST_PAUSE)
    later = NOW
    for _try in range(FAILURES_MOST - 1):
        assert export.next_try_at is not None
        later = export.next_try_at
        work_on_exports(now=later)
        export.refresh_from_db()
    assert (export.failures, export.refused_at) == (FAILURES_MOST, later)
    assert state_of(export, taken=0, now=later) == FAILED
    assert later - NOW == FIRST_PAUSE * (2 ** (FAILURES_MOST - 1) - 1)
    work_on_exports(now=later)
    export.refresh_from_db()
    assert export.destroyed_at == later


def test_one_that_is_mended_is_made_after_all(mia: Account) -> None:
    person("alice")
    export = ask(mia)
    Export.objects.filter(id=export.id).update(rules={"match": "all", "rules": [{"fact": "gone"}]})
    work_on_exports(now=NOW)
    Export.objects.filter(id=export.id).update(rules={})
    work_on_exports(now=NOW + FIRST_PAUSE)
    export.refresh_from_db()
    assert (export.rows, export.refused_at) == (1, None)


def test_one_that_cannot_be_destroyed_keeps_no_other_one(
    mia: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("alice")
    odd, other = made(mia), made(mia, columns=["email"])
    destroy = keeping.destroy_file

    def fails(export: Export) -> None:
        if export.id == odd.id:
            raise OSError
        destroy(export)

    monkeypatch.setattr(making, "destroy_file", fails)
    end = NOW + timedelta(days=7)
    work_on_exports(now=end)
    for export in (odd, other):
        export.refresh_from_db()
    assert (odd.destroyed_at, other.destroyed_at) == (None, end)
    monkeypatch.undo()
    work_on_exports(now=end)
    odd.refresh_from_db()
    assert odd.destroyed_at == end


def test_two_questions_of_one_account_at_once_do_not_each_pass_the_limit(
    mia: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPORT_ALONE_MAX = 1
    person("alice")
    terms()
    count, both = asking._asked_alone, Barrier(2)

    def slow(*about: Any) -> int:
        found = count(*about)
        with suppress(BrokenBarrierError):  # the other one is not let in: nobody comes
            both.wait(timeout=1)
        return found

    monkeypatch.setattr(asking, "_asked_alone", slow)

    def one(_number: int) -> UUID | None:
        try:
            return ask(mia).approval_id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, range(2)))
    assert answers.count(None) == 1


def test_who_still_asks_is_told_so_after_a_moment(
    mia: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_LOCK_WAIT", "50ms")
    person("alice")
    terms()
    is_held, is_over = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            asking._take_turn(mia.id)
            is_held.set()
            is_over.wait(timeout=10)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert is_held.wait(timeout=10)
        with pytest.raises(StillAsked):
            ask(mia)
        ask(make_account("max"))
        is_over.set()
    assert ask(mia).approval_id is None


# --- two people --------------------------------------------------------------------------------


@pytest.fixture
def small(settings: Settings) -> None:
    settings.EXPORT_ALONE_MAX = 1


@pytest.mark.usefixtures("small")
def test_a_big_export_is_made_once_another_person_agreed(mia: Account) -> None:
    person("alice")
    person("bob")
    export = made(mia)
    assert (export.made_at, export.started_at) == (None, None)
    assert not Blob.objects.filter(retention_class=RetentionClass.ACTIVITY).exists()
    with pytest.raises(NotMade):
        take(export)
    asked = Approval.objects.get()
    assert (asked.reference["rows"], asked.reference["export"]) == (2, str(export.id))
    approve(approval_id=asked.id, decided_by=uuid4(), now=NOW)
    work_on_exports(now=NOW)
    export.refresh_from_db()
    assert export.rows == 2
    assert Approval.objects.get().used_at == NOW


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("how", ["refused", "forgotten"])
def test_without_an_agreement_nothing_is_made(mia: Account, how: str) -> None:
    person("alice")
    person("bob")
    export = ask(mia)
    if how == "refused":
        refuse(approval_id=Approval.objects.get().id, decided_by=uuid4(), now=NOW)
    later = NOW + timedelta(days=8 if how == "forgotten" else 0)
    work_on_exports(now=later)
    export.refresh_from_db()
    assert (export.refused_at, export.made_at) == (later, None)
    with pytest.raises(FileGone):
        take(export)


@pytest.mark.usefixtures("small")
def test_an_agreement_is_to_these_columns_and_these_people(mia: Account) -> None:
    person("alice")
    person("bob")
    export = ask(mia, columns=["email"])
    approve(approval_id=Approval.objects.get().id, decided_by=uuid4(), now=NOW)
    Export.objects.update(columns=["email", "phone"])
    work_on_exports(now=NOW)
    export.refresh_from_db()
    assert (export.made_at, export.refused_at) == (None, NOW)


def test_more_people_than_were_asked_for_are_left_out(mia: Account) -> None:
    person("alice")
    bob = person("bob", is_asked=False)
    export = ask(mia)
    assert export.most_rows == 1
    submit(bob, promotion(is_ticked=False), email="bob@example.org", needs_confirmation=False)
    work_on_exports(now=NOW)
    export.refresh_from_db()
    assert (export.rows, export.left_out) == (1, {"over": 1})


# --- the file and its end ------------------------------------------------------------------------


def test_it_waits_sealed_and_its_key_dies_on_its_day(mia: Account) -> None:
    person("alice")
    export = made(mia, keep_days=2)
    kept = Blob.objects.filter(retention_class=RetentionClass.ACTIVITY)
    assert kept.count() == 1
    assert all(b"example" not in bytes(blob.body) for blob in kept)
    assert export.expires_at == NOW + timedelta(days=2)
    destroy_exports(now=NOW + timedelta(days=2) - timedelta(seconds=1))
    assert kept.all().exists()
    take(export, now=NOW + timedelta(days=1))
    end = NOW + timedelta(days=2)
    with pytest.raises(FileGone):  # on the second, whether the worker came by or not
        take(export, now=end)
    destroy_exports(now=end)
    assert not kept.all().exists()
    assert not DataKey.objects.filter(retention_class=RetentionClass.ACTIVITY).exists()
    export.refresh_from_db()
    assert export.destroyed_at == end
    destroy_exports(now=end)


def test_five_downloads_and_no_more(mia: Account) -> None:
    person("alice")
    export = made(mia)
    contents = [take(export) for _time in range(5)]
    assert len(set(contents)) == 5
    with pytest.raises(FileGone):
        take(export)
    assert ExportDownload.objects.count() == 5


def test_each_download_is_recorded_with_its_digest(mia: Account) -> None:
    person("alice")
    content = take(made(mia))
    record = ExportDownload.objects.get()
    assert bytes(record.sha256 or b"") == hashlib.sha256(content).digest()
    assert (record.account_id, record.rows, record.number) == (mia.id, 1, 1)


def test_a_broken_download_counts_and_says_so(mia: Account) -> None:
    person("alice")
    export = made(mia)
    download = iter(begin_download(export_id=export.id, account_id=mia.id, domain=DOMAIN, now=NOW))
    next(download)
    del download
    record = ExportDownload.objects.get()
    assert (record.finished_at, record.sha256, record.rows) == (None, None, None)


def test_nobody_else_downloads_it(mia: Account) -> None:
    person("alice")
    export = made(mia)
    with pytest.raises(NotYours):
        begin_download(export_id=export.id, account_id=uuid4(), domain=DOMAIN, now=NOW)
    assert not ExportDownload.objects.exists()


def test_taken_back_it_is_destroyed_even_while_it_leaves(mia: Account) -> None:
    person("alice")
    export = made(mia)
    download = iter(begin_download(export_id=export.id, account_id=mia.id, domain=DOMAIN, now=NOW))
    next(download)
    cancel_export(export_id=export.id, now=NOW)
    work_on_exports(now=NOW)
    assert not Blob.objects.filter(retention_class=RetentionClass.ACTIVITY).exists()
    with pytest.raises(FileGone):
        list(download)


def test_a_worker_that_dies_goes_on_where_it_was(
    mia: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PART_ROWS", 2)
    names = [f"person{number}" for number in range(7)]
    for name in names:
        person(name)
    export = ask(mia)
    seal, calls = keeping.seal_part, list[object]()

    def dies(**kwargs: object) -> None:
        seal(**kwargs)  # type: ignore[arg-type]
        calls.append(kwargs)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(making, "seal_part", dies)
    with pytest.raises(KeyboardInterrupt):
        work_on_exports(now=NOW)
    export.refresh_from_db()
    assert (export.parts, export.rows, export.made_at) == (1, 2, None)
    work_on_exports(now=NOW)
    export.refresh_from_db()
    assert (export.parts, export.rows) == (4, 7)
    assert _names(take(export)) == sorted(f"{name}@example.org" for name in names)
