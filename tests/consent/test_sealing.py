"""Rows of the ledger go into a signed log outside the database, none left out, none twice."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import Settings

from consent import sealing, services, tasks
from consent.models import LedgerEvent, Seal
from consent.sealing import Entry, SealBroken, decode_entry, ledger_signer, proof_of, seal_ledger
from privacy.transparency.anchor import newest_note
from privacy.transparency.merkle import leaf_hash, proves_inclusion
from privacy.transparency.notes import read_verifier
from privacy.transparency.tiles import TileReader
from tests.conftest import NOW, Connect
from tests.consent.people import later, write
from tests.consent.tampering import tamper

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("anchor"),
]


def sealed_rows(anchor: Path) -> list[Entry]:
    """What the newest head of the folder covers."""
    head = ledger_signer().verifier.open(newest_note(anchor) or "")
    entries = TileReader(anchor, head.size).entries(0, head.size)
    return [decode_entry(entry) for entry in entries]


def rows() -> list[Entry]:
    found = LedgerEvent.objects.order_by("seq")
    return [Entry(row.seq, row.record_id, bytes(row.entry_hash)) for row in found]


def test_every_row_is_an_entry_in_the_order_of_writing(anchor: Path) -> None:
    write(3)
    assert seal_ledger(now=NOW) == LedgerEvent.objects.count()
    assert sealed_rows(anchor) == rows()
    seal, head = Seal.objects.get(), ledger_signer().verifier.open(newest_note(anchor) or "")
    assert (seal.tree_size, bytes(seal.root)) == (head.size, head.root)
    assert (seal.first_seq, seal.last_seq) == (rows()[0].seq, rows()[-1].seq)
    assert seal.checkpoint == (anchor / "checkpoint").read_text()


def test_nothing_new_is_nothing_sealed(anchor: Path) -> None:
    assert seal_ledger(now=NOW) == 0
    write()
    assert seal_ledger(now=NOW) > 0
    before = (anchor / "heads.log").read_bytes()
    assert seal_ledger(now=later(seconds=10)) == 0
    assert (anchor / "heads.log").read_bytes() == before
    assert Seal.objects.count() == 1


def test_a_limit_leaves_the_rest_to_the_next_call(anchor: Path) -> None:
    write(3)
    count = LedgerEvent.objects.count()
    assert seal_ledger(now=NOW, limit=5) == 5
    assert seal_ledger(now=NOW) == count - 5
    assert sealed_rows(anchor) == rows()


def test_an_entry_names_a_row_and_says_nothing_of_a_person() -> None:
    entry = Entry(seq=7, record_id=UUID(int=9), entry_hash=bytes(range(32)))
    content = entry.encode()
    assert content.hex() == "01" + f"{7:016x}" + f"{9:032x}" + bytes(range(32)).hex()
    assert (len(content), decode_entry(content)) == (57, entry)
    for wrong in (content[:-1], content + b"\0", b"\2" + content[1:]):
        with pytest.raises(ValueError, match="not an entry"):
            decode_entry(wrong)


# --- proofs -----------------------------------------------------------------------------------


def test_every_sealed_row_has_a_proof_to_the_newest_head() -> None:
    write(2)
    seal_ledger(now=NOW)
    write(2)
    seal_ledger(now=later(seconds=10))
    key = read_verifier(str(ledger_signer().verifier))
    proofs = proof_of(seqs=[row.seq for row in rows()])
    for place, row in enumerate(rows()):
        proof = proofs[row.seq]
        head = key.open(proof.checkpoint)
        assert (proof.index, proof.tree_size) == (place, head.size)
        assert proves_inclusion(
            index=proof.index,
            size=proof.tree_size,
            leaf=leaf_hash(row.encode()),
            proof=proof.hashes,
            root=head.root,
        )
        assert b64encode(head.root).decode() in proof.checkpoint


def test_a_row_that_waits_and_one_that_never_was_have_none() -> None:
    assert proof_of(seqs=[1]) == {}
    write()
    seal_ledger(now=NOW)
    sealed = rows()[-1].seq
    write()
    waiting = rows()[-1].seq
    assert proof_of(seqs=[sealed, waiting, waiting + 1000, 0]).keys() == {sealed}


# --- others at the same time --------------------------------------------------------------------

LATE = (
    "INSERT INTO consent_ledgerevent (record_id, schema_version, subject_id, channel, purpose_id,"
    " basis, event_state, event_type, event_at, received_at, indicated_by, method, form_code,"
    " language, source_id, entry_hash, layout, source) VALUES (gen_random_uuid(), '',"
    " gen_random_uuid(), 'email', 'newsletter', 'A6-1-a', 'NoticeCommunicated', '', now(), now(),"
    " 'subject', 'form', '', 'fr', gen_random_uuid(), sha256(''), 2, '')"
)


def test_a_row_on_its_way_is_waited_for_and_never_left_out(
    connect: Connect, anchor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    with connect("worker", "crm") as writer:
        writer.execute(LATE)  # it has its number, and nobody can see it yet
        write()
        monkeypatch.setattr(sealing, "_PATIENCE_SECONDS", 0.05)
        assert seal_ledger(now=NOW) == 0
        assert not Seal.objects.exists()
        # Meanwhile others write on: nobody queues behind the sealer.
        monkeypatch.setattr(sealing, "_PATIENCE_SECONDS", 30.0)
        commit = threading.Timer(0.1, writer.commit)
        commit.start()
        assert seal_ledger(now=NOW) == LedgerEvent.objects.count()
        commit.join()
    assert sealed_rows(anchor) == rows()


def test_a_writer_that_begins_later_is_not_waited_for(connect: Connect) -> None:
    write()
    with (
        connection.cursor() as cursor,
        connect("worker", "crm") as first,
        connect("worker", "crm") as later_one,
    ):
        first.execute(LATE)
        holders = sealing._writing(cursor, None)
        assert len(holders) == 1
        later_one.execute(LATE)
        assert len(sealing._writing(cursor, None)) == 2
        first.rollback()
        assert sealing._writing(cursor, holders) == []


def test_one_sealer_at_a_time(connect: Connect) -> None:
    write()
    with connect("worker", "crm") as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [sealing._SEALER])
        assert seal_ledger(now=NOW) == 0
    assert seal_ledger(now=NOW) > 0


def test_the_worker_has_the_rights_to_seal(connect: Connect) -> None:
    with connect("worker", "crm") as worker:
        for right in ("SELECT", "INSERT"):
            found = worker.execute("SELECT has_table_privilege('consent_seal', %s)", [right])
            assert found.fetchone() == (True,)
        found = worker.execute("SELECT has_table_privilege('consent_seal', 'UPDATE, DELETE')")
        assert found.fetchone() == (False,)


# --- crashes and copies -------------------------------------------------------------------------


@pytest.fixture
def crash(anchor: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The head is on disk, and the process dies before the database knows."""
    write(2)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sealing, "_record", die)
        with pytest.raises(KeyboardInterrupt):
            seal_ledger(now=NOW)
    yield


@pytest.mark.usefixtures("crash")
def test_a_head_that_the_database_missed_is_taken_over(anchor: Path) -> None:
    assert not Seal.objects.exists()
    size = len(sealed_rows(anchor))
    assert seal_ledger(now=later(seconds=10)) == 0
    assert Seal.objects.get().tree_size == size
    write()
    assert seal_ledger(now=later(seconds=20)) > 0
    assert sealed_rows(anchor) == rows()
    assert len(list(Seal.objects.all())) == 2


@pytest.mark.usefixtures("crash")
def test_a_head_over_a_row_that_was_altered_is_not_taken_over() -> None:
    altered = rows()[1].seq
    tamper(f"UPDATE consent_ledgerevent SET entry_hash = sha256('') WHERE seq = {altered}")
    with pytest.raises(SealBroken, match=f"Row {altered} is not what was sealed"):
        seal_ledger(now=NOW)
    assert not Seal.objects.exists()


def test_a_restored_database_seals_nothing_until_the_newest_is_back(anchor: Path) -> None:
    write()
    seal_ledger(now=NOW)
    old = rows()[-1].seq
    write()
    seal_ledger(now=NOW)
    heads = (anchor / "heads.log").read_bytes()
    tamper(
        f"DELETE FROM consent_ledgerevent WHERE seq > {old}",
        f"DELETE FROM consent_seal WHERE last_seq > {old}",
    )
    with pytest.raises(SealBroken, match=r"restored from an older copy. Put back the newest one"):
        seal_ledger(now=NOW)
    assert (anchor / "heads.log").read_bytes() == heads


def test_a_log_older_than_the_database_is_not_written_to(anchor: Path) -> None:
    write()
    seal_ledger(now=NOW)
    copy = {path: path.read_bytes() for path in anchor.rglob("*") if path.is_file()}
    write()
    seal_ledger(now=NOW)
    for path in [each for each in anchor.rglob("*") if each.is_file()]:
        path.write_bytes(copy[path]) if path in copy else path.unlink()
    write()
    with pytest.raises(SealBroken, match="put back the newest copy of the folder"):
        seal_ledger(now=NOW)


def test_an_empty_folder_beside_a_sealed_ledger_is_not_a_new_log(anchor: Path) -> None:
    write()
    seal_ledger(now=NOW)
    anchor.rename(anchor.with_name("moved"))
    with pytest.raises(SealBroken, match="has 0 entries and this database knows of"):
        seal_ledger(now=NOW)


def test_the_log_of_another_installation_is_not_written_to(anchor: Path) -> None:
    write()
    seal_ledger(now=NOW)
    tamper("DELETE FROM consent_seal")
    log = anchor / "heads.log"
    log.write_text(log.read_text().replace("/accord/", "/another/"))
    with pytest.raises(SealBroken, match="not signed by this installation"):
        seal_ledger(now=NOW)


def test_a_damaged_log_says_what_to_do(anchor: Path) -> None:
    write()
    seal_ledger(now=NOW)
    for path in (anchor / "tile" / "0").rglob("*"):
        if path.is_file():
            path.unlink()
    write()
    with pytest.raises(SealBroken, match=r"cannot be read. Put back the newest copy"):
        seal_ledger(now=NOW)


def test_a_folder_that_cannot_be_written_says_so(anchor: Path) -> None:
    write()
    anchor.write_text("a file where the folder should be")
    with pytest.raises(SealBroken, match="cannot be written"):
        seal_ledger(now=NOW)
    assert not Seal.objects.exists()


def test_another_mail_domain_does_not_make_it_another_log(settings: Settings) -> None:
    settings.MAIL_DOMAIN = "first.example"
    write()
    seal_ledger(now=NOW)
    key = str(ledger_signer().verifier)
    settings.MAIL_DOMAIN = "second.example"
    write()
    assert seal_ledger(now=NOW) > 0
    assert str(ledger_signer().verifier) == key
    assert key.startswith("first.example/accord/")


def test_the_bell_says_what_is_wrong_and_nothing_else_stops(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> int:
        raise SealBroken("Row 7 is not what was sealed as row 7.")

    monkeypatch.setattr(services, "seal_ledger", broken)
    tasks.seal_ledger()
    assert "Row 7 is not what was sealed" in caplog.text
