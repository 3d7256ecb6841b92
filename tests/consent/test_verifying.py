"""Whatever is done to the ledger or its log behind our back is found, and named."""

import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from consent.entries import entry_hash
from consent.management.commands import ledger as command
from consent.models import LedgerEvent, Permission, Seal
from consent.refolding import verify_permissions
from consent.sealing import Entry, ledger_signer, seal_ledger
from consent.verifying import Fault, Finding, verify_ledger
from privacy.models import RetentionClass
from privacy.services import KeysMissing
from privacy.transparency.anchor import notes
from privacy.transparency.notes import Head, Signer
from privacy.transparency.tiles import tile_path
from privacy.vault.store import destroy_keys
from tests.conftest import NOW
from tests.consent.people import later, write
from tests.consent.tampering import tamper

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("anchor"),
]


@pytest.fixture
def ledger(anchor: Path) -> list[LedgerEvent]:
    """Two heads over the answers of some people, and one form that no head covers yet."""
    write(2)
    seal_ledger(now=NOW)
    write(2)
    seal_ledger(now=later(seconds=10))
    write(1)
    return list(LedgerEvent.objects.order_by("seq"))


def findings(*, kept: list[Head] | None = None) -> list[Finding]:
    return verify_ledger(verifier=ledger_signer().verifier, kept=kept or []).findings


def named(found: list[Finding]) -> set[tuple[Fault, int | None, uuid.UUID | None]]:
    return {(each.fault, each.seq, each.record_id) for each in found}


def test_what_nobody_touched_holds(ledger: list[LedgerEvent]) -> None:
    found = verify_ledger(verifier=ledger_signer().verifier)
    assert found.holds
    assert (found.rows, found.heads) == (len(ledger), 2)
    assert found.sealed == Seal.objects.order_by("-tree_size")[0].tree_size < len(ledger)


def test_a_ledger_that_was_never_sealed_holds() -> None:
    write()
    found = verify_ledger(verifier=ledger_signer().verifier)
    assert (found.holds, found.sealed, found.heads) == (True, 0, 0)


def test_it_still_holds_after_the_keys_of_the_evidence_are_destroyed(
    ledger: list[LedgerEvent],
) -> None:
    subjects = {row.subject_id for row in ledger}
    destroyed = [
        destroy_keys(subject_id=subject, retention_classes=[RetentionClass.PROOF])
        for subject in subjects
    ]
    assert destroyed == [1] * len(subjects)
    assert findings() == []


def test_rows_of_the_first_layout_hold_and_are_named() -> None:
    write()
    tamper("UPDATE consent_ledgerevent SET layout = 1")
    for row in LedgerEvent.objects.all():
        values = [entry_hash(row), row.seq]
        tamper("UPDATE consent_ledgerevent SET entry_hash = %s WHERE seq = %s", parameters=values)
    seal_ledger(now=NOW)
    assert findings() == []
    altered = LedgerEvent.objects.order_by("seq")[1]
    tamper(f"UPDATE consent_ledgerevent SET evidence = '\\x00' WHERE seq = {altered.seq}")
    assert named(findings()) == {(Fault.ALTERED, altered.seq, altered.record_id)}


# --- rows -------------------------------------------------------------------------------------

# Something else for each type of column.
_OTHER = {
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now() + interval '1 microsecond'",
    "bytea": "sha256('another')",
    "integer": "4242",
    "smallint": "1",
}
_FREE = {
    field.attname: field
    for field in LedgerEvent._meta.concrete_fields
    if field.attname not in {"seq", "record_id", "purpose_id", "notice_id", "assessment_id"}
}


@pytest.mark.parametrize("column", sorted(_FREE))
def test_no_column_can_be_altered_unseen(ledger: list[LedgerEvent], column: str) -> None:
    row = ledger[2]
    kind = (_FREE[column].db_type(connection) or "").partition("(")[0]
    closed = {"basis": "'A6-1-b-contract-performance'", "channel": "'post'"}
    other = closed.get(column) or _OTHER.get(kind, "'other'")
    tamper(f"UPDATE consent_ledgerevent SET {column} = {other} WHERE seq = {row.seq}")
    assert named(findings()) == {(Fault.ALTERED, row.seq, row.record_id)}


@pytest.mark.parametrize("column", ["purpose_id", "notice_id"])
def test_no_reference_can_be_altered_unseen(ledger: list[LedgerEvent], column: str) -> None:
    row = ledger[2]
    other = "'phone_prospecting'" if column == "purpose_id" else "NULL"
    tamper(f"UPDATE consent_ledgerevent SET {column} = {other} WHERE seq = {row.seq}")
    assert named(findings()) == {(Fault.ALTERED, row.seq, row.record_id)}


def test_a_row_whose_hash_was_made_anew_is_named_too(ledger: list[LedgerEvent]) -> None:
    row = ledger[1]
    row.language = "en"
    tamper(
        "UPDATE consent_ledgerevent SET language = 'en', entry_hash = %s WHERE seq = %s",
        parameters=[entry_hash(row), row.seq],
    )
    (found,) = findings()
    assert (found.fault, found.seq) == (Fault.ALTERED, row.seq)
    assert "and its hash with it" in found.detail


def test_a_deleted_row_is_named(ledger: list[LedgerEvent]) -> None:
    gone = ledger[3]
    tamper(f"DELETE FROM consent_ledgerevent WHERE seq = {gone.seq}")
    assert named(findings()) == {(Fault.DELETED, gone.seq, gone.record_id)}


def test_a_row_put_among_sealed_ones_is_named(ledger: list[LedgerEvent]) -> None:
    tamper(
        f"DELETE FROM consent_ledgerevent WHERE seq = {ledger[3].seq}",
        f"UPDATE consent_ledgerevent SET seq = {ledger[3].seq} WHERE seq = {ledger[-1].seq}",
    )
    assert named(findings()) == {
        (Fault.DELETED, ledger[3].seq, ledger[3].record_id),
        (Fault.INSERTED, ledger[3].seq, ledger[-1].record_id),
    }


def test_rows_that_changed_places_are_named(ledger: list[LedgerEvent]) -> None:
    one, two = ledger[1], ledger[4]
    tamper(
        f"UPDATE consent_ledgerevent SET seq = 0 WHERE seq = {one.seq}",
        f"UPDATE consent_ledgerevent SET seq = {one.seq} WHERE seq = {two.seq}",
        f"UPDATE consent_ledgerevent SET seq = {two.seq} WHERE seq = 0",
    )
    assert named(findings()) == {
        (Fault.MOVED, two.seq, one.record_id),
        (Fault.MOVED, one.seq, two.record_id),
    }


def test_a_row_moved_behind_the_sealed_ones_is_named(ledger: list[LedgerEvent]) -> None:
    moved = ledger[0]
    tamper(f"UPDATE consent_ledgerevent SET seq = seq + 100000 WHERE seq = {moved.seq}")
    (found,) = findings()
    assert (found.fault, found.seq) == (Fault.MOVED, moved.seq + 100_000)
    assert found.detail == f"It was sealed as row {moved.seq}."


def test_a_row_that_waits_is_checked_against_itself(ledger: list[LedgerEvent]) -> None:
    waiting = ledger[-1]
    tamper(f"UPDATE consent_ledgerevent SET language = 'en' WHERE seq = {waiting.seq}")
    assert named(findings()) == {(Fault.ALTERED, waiting.seq, waiting.record_id)}


# --- the log and the database's memory of it ------------------------------------------------------


def _alter_entry(anchor: Path) -> None:
    (path,) = [each for each in (anchor / "tile" / "entries").rglob("*") if _is_newest(each)]
    content = bytearray(path.read_bytes())
    content[2 + 25] ^= 1  # the first byte of the first entry's hash
    path.write_bytes(content)


def _is_newest(path: Path) -> bool:
    widths = [int(each.name) for each in path.parent.iterdir()] if path.is_file() else []
    return bool(widths) and path.name == str(max(widths))


def _alter_tile(anchor: Path) -> None:
    (path,) = [each for each in (anchor / "tile" / "0").rglob("*") if _is_newest(each)]
    path.write_bytes(bytes(len(path.read_bytes())))


def _lose_tile(anchor: Path) -> None:
    (path,) = [each for each in (anchor / "tile" / "entries").rglob("*") if _is_newest(each)]
    path.unlink()


def _alter_head(anchor: Path) -> None:
    log = anchor / "heads.log"
    head = ledger_signer().verifier.open(next(iter(_notes(anchor))))
    log.write_text(log.read_text().replace(f"\n{head.size}\n", f"\n{head.size - 1}\n", 1))


def _cut_heads(anchor: Path) -> None:
    first = next(iter(_notes(anchor)))
    (anchor / "heads.log").write_text(first + "\n")


def _other_key(anchor: Path) -> None:
    signer = Signer(name=ledger_signer().verifier.name, seed=bytes(32))
    heads = [ledger_signer().verifier.open(note) for note in _notes(anchor)]
    (anchor / "heads.log").write_text("".join(signer.sign(head) + "\n" for head in heads))


def _notes(anchor: Path) -> list[str]:
    return list(notes(anchor))


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("alter", "fault"),
    [
        (_alter_entry, Fault.LOG),
        (_alter_tile, Fault.LOG),
        (_lose_tile, Fault.LOG),
        (_alter_head, Fault.LOG),
        (_other_key, Fault.LOG),
        (_cut_heads, Fault.SEAL),
    ],
)
def test_a_log_that_was_altered_is_found(
    anchor: Path, alter: Callable[[Path], None], fault: Fault
) -> None:
    alter(anchor)
    assert fault in {each.fault for each in findings()}


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consent_seal WHERE tree_size = (SELECT min(tree_size) FROM consent_seal)",
        "UPDATE consent_seal SET root = sha256('')",
        "UPDATE consent_seal SET checkpoint = 'another'",
        "UPDATE consent_seal SET first_seq = first_seq + 1",
        "UPDATE consent_seal SET tree_size = tree_size + 100000",
    ],
)
def test_a_seal_that_was_altered_is_found(statement: str) -> None:
    tamper(statement)
    assert {each.fault for each in findings()} == {Fault.SEAL}


def test_a_head_that_somebody_kept_shows_that_the_end_was_cut_off(
    anchor: Path, ledger: list[LedgerEvent]
) -> None:
    newest = ledger_signer().verifier.open(_notes(anchor)[-1])
    first = Seal.objects.order_by("tree_size")[0]
    _cut_heads(anchor)
    tamper(
        f"DELETE FROM consent_ledgerevent WHERE seq > {first.last_seq}",
        f"DELETE FROM consent_seal WHERE last_seq > {first.last_seq}",
    )
    for path in anchor.rglob("*.p/*"):
        if path.name != str(first.tree_size):
            path.unlink()
    assert findings() == []
    (found,) = findings(kept=[newest])
    assert found.detail == f"The log has lost entries: {newest.size} were signed."
    other = Head(newest.origin, first.tree_size, newest.root)
    assert "signs another tree" in findings(kept=[other])[0].detail


def test_a_full_tile_of_the_middle_is_compared(anchor: Path) -> None:
    write(60)
    seal_ledger(now=NOW)
    tile = tile_path(anchor, 0, 0)
    assert findings() == []
    content = bytearray(tile.read_bytes())
    content[32 * 17] ^= 1
    tile.write_bytes(content)
    row = LedgerEvent.objects.order_by("seq")[17]
    assert named(findings()) == {(Fault.LOG, row.seq, row.record_id)}


def test_a_row_altered_together_with_its_entry_is_named_still(
    anchor: Path, ledger: list[LedgerEvent]
) -> None:
    row = ledger[0]
    row.language = "en"
    tamper(
        "UPDATE consent_ledgerevent SET language = 'en', entry_hash = %s WHERE seq = %s",
        parameters=[entry_hash(row), row.seq],
    )
    for path in (anchor / "tile" / "entries").rglob("*.p/*"):
        content = path.read_bytes()
        entry = Entry(row.seq, row.record_id, entry_hash(row)).encode()
        path.write_bytes(content[:2] + entry + content[59:])
    found = findings()
    assert (Fault.LOG, row.seq, row.record_id) in named(found)
    assert any("signs another tree: of the entries 0 to" in each.detail for each in found)


# --- permissions --------------------------------------------------------------------------------


@pytest.mark.usefixtures("ledger")
def test_every_permission_is_what_the_ledger_adds_up_to() -> None:
    found = verify_permissions()
    assert (found.holds, found.rows) == (True, Permission.objects.count())


@pytest.mark.usefixtures("ledger")
def test_a_permission_that_was_altered_lost_or_made_up_is_named() -> None:
    permission = Permission.objects.filter(purpose_id="targeted_promotion")[0]
    keep = f"subject_id = '{permission.subject_id}' AND purpose_id = 'targeted_promotion'"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_permission DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE consent_permission SET state = 'ConsentRefused' WHERE {keep}")
        cursor.execute("ALTER TABLE consent_permission ENABLE TRIGGER USER")
    (found,) = verify_permissions().findings
    assert found.fault == Fault.PERMISSION
    assert str(permission.subject_id) in found.detail
    assert "is ConsentRefused, the ledger adds up to" in found.detail
    Permission.objects.filter(purpose_id="targeted_promotion").delete()
    assert "is missing" in verify_permissions().findings[0].detail
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_permission DISABLE TRIGGER USER")
        cursor.execute("UPDATE consent_permission SET channel = 'post'")
        cursor.execute("ALTER TABLE consent_permission ENABLE TRIGGER USER")
    assert "has no event" in verify_permissions().findings[-1].detail


# --- the command --------------------------------------------------------------------------------


def run(verb: str, *options: str) -> str:
    out = StringIO()
    call_command("ledger", verb, *options, stdout=out)
    return out.getvalue()


def test_the_command_seals_verifies_and_says_the_key(anchor: Path) -> None:
    write()
    count = LedgerEvent.objects.count()
    assert f"not sealed yet: {count} rows" in run("status")
    assert run("seal") == f"{count} rows sealed.\n"
    status = run("status")
    assert f"newest head: {count} entries" in status
    assert str(ledger_signer().verifier) in status
    done = run("verify", "--permissions", "--kept", str(anchor / "checkpoint"))
    assert done.endswith("Everything is as it was written.\n")


def test_the_command_fails_and_names_what_it_found(ledger: list[LedgerEvent]) -> None:
    gone = ledger[0]
    tamper(f"DELETE FROM consent_ledgerevent WHERE seq = {gone.seq}")
    out = StringIO()
    with pytest.raises(CommandError, match="1 findings") as failed:
        call_command("ledger", "verify", stdout=out)
    assert failed.value.returncode == 1
    assert f"DELETED row {gone.seq} (record {gone.record_id})" in out.getvalue()


@pytest.mark.usefixtures("ledger")
def test_verifying_needs_no_key_but_the_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    key = str(ledger_signer().verifier)

    def missing() -> None:
        raise KeysMissing("The key ring is not there.")

    monkeypatch.setattr(command, "ledger_signer", missing)
    assert "Everything is as it was written." in run("verify", "--key", key)
    with pytest.raises(CommandError, match="name the key: --key"):
        run("verify")
    with pytest.raises(CommandError, match="not the string of a verifier's key"):
        run("verify", "--key", key[:-4])
