"""The program that checks receipts: it accepts ours, and nothing that was altered."""

import ast
import json
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consent import services
from consent.attest import RECEIPT, readable_bytes, with_signature
from consent.entries import canonical, entry_hash
from consent.models import LedgerEvent
from consent.sealing import seal_ledger
from privacy.models import DataKey
from privacy.services import RetentionClass, enrol
from tests.conftest import NOW
from tests.consent import people, verifier
from tests.consent.people import ALICE, BOB

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "company", "anchor"),
]
Json = dict[str, Any]


@pytest.fixture
def alice() -> UUID:
    """Alice in a log in which others are too, so that her proofs have several steps."""
    alice, bob = enrol(email=ALICE).subject_id, enrol(email=BOB).subject_id
    people.submit(bob, people.newsletter(is_ticked=True), email=BOB)
    people.submit(
        alice,
        people.newsletter(is_ticked=True),
        people.promotion(is_ticked=False),
        needs_confirmation=False,
    )
    people.submit(bob, people.promotion(is_ticked=True), email=BOB, at=people.later(hours=1))
    seal_ledger(now=NOW)
    return alice


@pytest.fixture
def document(alice: UUID) -> Json:
    return services.make_receipt(subject_id=alice, language="fr", now=NOW).document


def written(tmp_path: Path, document: Json) -> Path:
    path = tmp_path / "receipt.jsonld"
    path.write_bytes(readable_bytes(document))
    return path


def test_it_needs_nothing_but_cryptography() -> None:
    tree = ast.parse(verifier.SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_it_accepts_a_receipt_line_by_line(document: Json, tmp_path: Path) -> None:
    alone = shutil.copy(verifier.SCRIPT, tmp_path / "check.py")
    done = verifier.run(written(tmp_path, document), "--key", verifier.key(), script=Path(alone))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok ") for line in lines[:-1]), done.stdout
    for what in (
        "the key is the one you gave",
        "the receipt is signed",
        "a head of the log is signed",
        "its hash is that of its header",
        "it is in the log",
        "its state fits its basis",
        "its record says the same",
        "the notice is the text shown",
        "records rest on earlier ones of the same person",
        "every record is of its person",
    ):
        assert any(what in line for line in lines), what
    assert lines[-1].startswith("holds: ")


def test_without_the_key_it_says_that_it_took_the_files_word(
    document: Json, tmp_path: Path
) -> None:
    done = verifier.run(written(tmp_path, document))
    assert done.returncode == 0
    assert f"note  the key stands in the file itself; compare it: {verifier.key()}" in done.stdout


def test_another_key_is_refused(document: Json, tmp_path: Path) -> None:
    name, _, rest = verifier.key().partition("+")
    done = verifier.run(written(tmp_path, document), "--key", f"other.{name}+{rest}")
    assert done.returncode == 1
    assert "FAIL  the key is the one you gave" in done.stdout


def test_it_still_holds_after_the_key_of_the_evidence_is_destroyed(
    alice: UUID, tmp_path: Path
) -> None:
    DataKey.objects.filter(subject_id=alice, retention_class=RetentionClass.PROOF).delete()
    document = services.make_receipt(subject_id=alice, language="fr", now=NOW).document
    assert verifier.run(written(tmp_path, document), "--key", verifier.key()).returncode == 0


def test_a_row_of_the_first_layout_is_checked_over_its_ciphertext(alice: UUID) -> None:
    row = LedgerEvent.objects.filter(evidence__isnull=False).order_by("seq").first()
    assert row is not None
    row.layout = 1
    entry = {
        "record": str(row.record_id),
        "header": canonical(row).decode(),
        "evidence": b64encode(bytes(row.evidence or b"")).decode(),
        "entry_hash": entry_hash(row).hex(),
    }
    check = verifier.function("check_hash")
    check(entry)
    entry["evidence"] = ""
    with pytest.raises(Exception, match="another one"):
        check(entry)


# --- altered ---------------------------------------------------------------------------------


def leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from leaves(each, (*path, place))
    else:
        yield path


def altered(document: Json, path: tuple[Any, ...]) -> Json:
    copy = deepcopy(document)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    old = place[path[-1]]
    if isinstance(old, bool):
        place[path[-1]] = not old
    elif isinstance(old, int):
        place[path[-1]] = old + 1
    elif isinstance(old, str):
        middle = len(old) // 2
        other = "A" if old[middle : middle + 1] != "A" else "B"
        place[path[-1]] = old[:middle] + other + old[middle + 1 :]
    else:
        place[path[-1]] = "something"
    return copy


def test_no_value_of_a_receipt_can_be_altered(document: Json) -> None:
    assert verifier.holds(readable_bytes(document))
    paths = list(leaves(document))
    assert len(paths) > 300
    passed = [path for path in paths if verifier.holds(readable_bytes(altered(document, path)))]
    assert passed == []


def test_no_byte_of_a_receipt_can_be_altered(document: Json) -> None:
    content = readable_bytes(document)
    for place in range(0, len(content), 41):
        for bit in (1, 0x20, 0x80):
            other = bytearray(content)
            other[place] ^= bit
            if json_of(bytes(other)) != document:  # else it is the same receipt, written otherwise
                assert not verifier.holds(bytes(other)), (place, bit)


def json_of(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None


def test_a_receipt_cut_short_or_with_a_name_twice_is_none(document: Json) -> None:
    content = readable_bytes(document)
    for end in range(0, len(content) - 2, 997):
        assert not verifier.holds(content[:end])
    twice = content.replace(b'"@type"', b'"@id": "x",\n  "@type"', 1)
    assert json_of(twice) is not None
    assert not verifier.holds(twice)


# Whoever has the key of signing can sign any receipt, but not change what the log holds.

FORGERIES: dict[str, Callable[[Json], None]] = {
    "the state in the record": lambda d: status(d)[1].update({"@type": "dpv:RenewedConsentGiven"}),
    "the time in the record": lambda d: status(d)[1].update(
        {"dpv:isIndicatedAtTime": "2026-01-01T00:00:00.000000Z"}
    ),
    "the notice": lambda d: d["dpv:hasNotice"][0]["schema:text"].update({"@value": "Autre avis"}),
    "a record without entry": lambda d: d["dpv:hasRecordOfActivity"].append(
        {**d["dpv:hasRecordOfActivity"][0], "dct:identifier": "another"}
    ),
    "an entry without record": lambda d: d["dpv:hasRecordOfActivity"].pop(),
    "the header": lambda d: swap(d, "ConsentGiven", "ConsentRefused"),
    "the header's spelling": lambda d: entries(d)[0].update(
        {"header": entries(d)[0]["header"].replace('{"', '{ "', 1)}
    ),
    "the entry hash": lambda d: entries(d)[0].update({"entry_hash": "00" * 32}),
    "the place in the log": lambda d: entries(d)[0].update({"index": entries(d)[0]["index"] + 1}),
    "the row's number": lambda d: entries(d)[0].update({"seq": entries(d)[0]["seq"] + 1}),
    "the way through the log": lambda d: entries(d)[0]["hashes"].reverse(),
    "a way that is too short": lambda d: entries(d)[0]["hashes"].pop(),
    "the head": lambda d: d["ledger"].update({"checkpoints": [head(d).replace("\n", "\n1", 1)]}),
    "no head": lambda d: d["ledger"].update({"checkpoints": []}),
    "another person": lambda d: d.update({"dpv:hasDataSubject": f"urn:uuid:{UUID(int=7)}"}),
    "an entry twice": lambda d: entries(d).append(entries(d)[0]),
}


def entries(document: Json) -> list[Json]:
    found: list[Json] = document["ledger"]["entries"]
    return found


def head(document: Json) -> str:
    return str(document["ledger"]["checkpoints"][0])


def status(document: Json) -> list[Json]:
    names = ("dpv:hasConsentStatus", "dpv:hasStatus", "dpv:hasNoticeStatus")
    records = document["dpv:hasRecordOfActivity"]
    return [record[name] for record in records for name in names if name in record]


def swap(document: Json, old: str, new: str) -> None:
    for entry in entries(document):
        entry["header"] = entry["header"].replace(old, new)


@pytest.mark.parametrize("what", list(FORGERIES))
def test_a_signed_forgery_is_found_by_what_the_log_holds(document: Json, what: str) -> None:
    forged = deepcopy(document)
    del forged["signature"]
    assert verifier.holds(readable_bytes(with_signature(forged, prefix=RECEIPT)))
    FORGERIES[what](forged)
    assert not verifier.holds(readable_bytes(with_signature(forged, prefix=RECEIPT)))


def test_states_that_do_not_fit_their_basis_are_refused() -> None:
    check = verifier.function("check_rules")
    good = {
        "event_state": "ConsentGiven",
        "basis": "A6-1-a",
        "assessment_id": None,
        "notice_sha256": "00",
    }
    check(good)
    for changed in (
        {"basis": "A6-1-f-controller", "assessment_id": "x"},
        {"basis": "A6-1-b-contract-performance"},
        {"notice_sha256": None},
        {"event_state": "LegitimateInterestNotObjected"},
        {"event_state": "LegitimateInterestInformed", "basis": "A6-1-f-controller"},
    ):
        with pytest.raises(Exception, match=r"on another basis|without"):
            check({**good, **changed})


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"PK\x03\x04", b"\xff", b'{"a": 1, "a": 2}']
)
def test_something_else_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "something"
    path.write_bytes(content)
    done = verifier.run(path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1].startswith("DOES NOT HOLD")
