"""A copy for operations works, is as big, and is about nobody."""

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.anonymised.measuring import CELL_MIN, without_small_cells
from deploy.anonymised.treatments import TREATMENTS, Treatment
from deploy.grants import GRANTS
from tests import plugin
from tests.deploy.anonymised.conftest import CANARY, House, house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_table_has_its_treatment() -> None:
    for zone, tables in GRANTS.items():
        assert TREATMENTS[zone].keys() == tables.keys(), zone


def test_volumes_and_proportions_are_the_originals(original: House, copies: list[House]) -> None:
    statement = "SELECT {}, count(*) FROM {} GROUP BY 1"
    for table, words in (
        ("crm_contact", "status"),
        ("crm_contact", "language"),
        ("campaigns_delivery", "CASE WHEN state <= 4 THEN 6 ELSE state END"),
        ("consent_permission", "purpose_id || channel || state"),
        ("consent_ledgerevent", "event_state || method"),
    ):
        theirs: dict[str, int] = dict(original.rows(statement.format(words, table)))
        ours: dict[str, int] = dict(copies[0].rows(statement.format(words, table)))
        for key, count in theirs.items():
            # What few people share was taken for what most do: the rare differ by more.
            if count >= CELL_MIN * CELL_MIN:
                assert abs(ours.get(key, 0) - count) <= max(15, count // 20), (table, key)


def test_what_must_be_empty_is(copies: list[House]) -> None:
    for zone, tables in TREATMENTS.items():
        for table, treatment in tables.items():
            if treatment == Treatment.EMPTY:
                assert copies[0].rows(f"SELECT 1 FROM {table} LIMIT 1", zone) == [], table


def test_the_copy_works(copies: list[House]) -> None:
    """Its documents open, its ledger adds up, its permissions are what it says."""
    said = copies[0].must("ledger", "seal")
    assert said
    assert "Everything is as it was written" in copies[0].must("ledger", "verify", "--permissions")
    opened = copies[0].must("shell", "-v0", "-c", _OPEN_ALL).split()
    contacts = copies[0].rows("SELECT count(*) FROM crm_contact")[0][0]
    assert opened[-1] == str(contacts)


_OPEN_ALL = """
from privacy.services import RetentionClass, stream_documents
found = [d for _s, d in stream_documents(retention_class=RetentionClass.PROFILE)]
assert all(d["email"].endswith(".example") for d in found)
print(len(found))
"""


def test_nothing_is_sent_from_a_copy(copies: list[House]) -> None:
    states = copies[0].rows("SELECT DISTINCT state FROM campaigns_campaign")
    assert {row[0] for row in states} <= {"finished", "cancelled"}
    assert copies[0].rows("SELECT 1 FROM campaigns_delivery WHERE state <= 4 LIMIT 1") == []


# --- it is about nobody ----------------------------------------------------------------------


def test_measuring_needs_no_key_and_no_vault(original: House, tmp_path: Path) -> None:
    """As a process that reaches crm alone, without the ring and without the vault."""
    path = tmp_path / "shape.json"
    done = original.run(
        "anonymised_copy",
        "measure",
        str(path),
        process="staff",
        ACCORD_VAULT_DSN="",
        ACCORD_KEYS_DIR=str(tmp_path / "no-keys"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(path.read_text())["version"] == 1


def test_the_odd_one_is_in_no_cell(shape: Path) -> None:
    text = shape.read_text(encoding="utf-8")
    for value in (*CANARY.values(), '"IS"'):
        assert value.lower() not in text.lower()
    cells = json.loads(text)
    for name in ("people", "reach", "sources", "came", "histories", "suppressions"):
        counts = [count for _key, count in cells[name]]
        assert not counts or min(counts) >= CELL_MIN, name


def test_no_typed_word_is_in_the_shape(original: House, shape: Path) -> None:
    """Names of tags, sources, forms, segments and campaigns are somebody's words."""
    text = shape.read_text(encoding="utf-8").lower()
    for statement in (
        "SELECT slug FROM crm_tag",
        "SELECT DISTINCT source FROM crm_contact",
        "SELECT name FROM campaigns_campaign",
        "SELECT subject FROM campaigns_campaign",
        "SELECT name FROM crm_segment",
        "SELECT username FROM crm_account",
    ):
        for (word,) in original.rows(statement):
            pattern = rf"(?<![a-z_]){re.escape(str(word).lower())}(?![a-z_])"
            # "newsletter" is also the name of a purpose that every installation has.
            assert word == "newsletter" or not re.search(pattern, text), word


def _values(one: House) -> dict[str, set[object]]:
    """Every id, byte string and moment of an installation, but the catalogue's own constants."""
    found: dict[str, set[object]] = {"uuid": set(), "bytea": set(), "timestamptz": set()}
    for zone in ("crm", "vault", "intake"):
        columns = one.rows(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND udt_name IN ('uuid', 'bytea', 'timestamptz')"
            " AND table_name NOT IN ('django_migrations')",
            zone,
        )
        for table, column, kind in columns:
            if (table, column) in _CONSTANTS:
                continue
            rows = one.rows(f'SELECT DISTINCT "{column}" FROM "{table}"', zone)
            found[str(kind)] |= {bytes(v) if isinstance(v, memoryview) else v for (v,) in rows} - {
                None
            }
    return found


# Digests of the product's own words, the same in every installation.
_CONSTANTS = {
    ("consent_purposeversion", "sha256"),
    ("consent_notice", "sha256"),
    ("consent_ledgerevent", "notice_sha256"),
    ("consent_ledgerevent", "control_text_sha256"),
    ("privacy_journalapplied", "applied_hash"),
}


@pytest.mark.parametrize("pair", ["original and copy", "two copies"])
def test_nothing_joins_two_of_them(original: House, copies: list[House], pair: str) -> None:
    """The linkage attack: any id, digest, ciphertext or moment that both hold would be a join."""
    one, other = (original, copies[0]) if pair == "original and copy" else copies
    theirs, ours = _values(one), _values(other)
    for kind, values in theirs.items():
        assert len(values) > 1_000 or kind == "bytea", "the attack has something to look at"
        assert values & ours[kind] == set(), kind


def test_a_list_of_known_addresses_finds_nobody(original: House, copies: list[House]) -> None:
    """Whoever holds every address of the original, and the keys of the copy, finds none in it."""
    listing = original.home / "addresses.txt"
    original.must("shell", "-v0", "-c", _WRITE_ADDRESSES.format(path=str(listing)))
    known = listing.read_text().split()
    assert CANARY["email"] in known
    assert len(known) > 1_900
    for copy in copies:
        found = copy.must("shell", "-v0", "-c", _FIND.format(path=str(listing))).split()
        assert found[-1] == "0"
    own = original.must("shell", "-v0", "-c", _FIND.format(path=str(listing))).split()
    assert own[-1] == str(len(known)), "the attack works where the people are"


_WRITE_ADDRESSES = """
from pathlib import Path
from privacy.services import RetentionClass, stream_documents
found = [d["email"] for _s, d in stream_documents(retention_class=RetentionClass.PROFILE)]
Path({path!r}).write_text(chr(10).join(found))
"""
_FIND = """
from pathlib import Path
from privacy.services import find_by_email
print(len(find_by_email(emails=Path({path!r}).read_text().split())))
"""


def test_nobody_of_the_original_has_a_namesake_with_their_address(
    original: House, copies: list[House]
) -> None:
    names = [copy.must("shell", "-v0", "-c", _OPEN_ADDRESSES).split() for copy in copies]
    listed = (
        set((original.home / "addresses.txt").read_text().split())
        if (original.home / "addresses.txt").exists()
        else set()
    )
    assert not set(names[0]) & listed
    # Two copies invent their own people: a chance meeting would need name, number and company.
    assert len(set(names[0]) & set(names[1])) < 5


_OPEN_ADDRESSES = """
from privacy.services import RetentionClass, stream_documents
for _s, d in stream_documents(retention_class=RetentionClass.PROFILE):
    print(d["email"])
"""


# --- refusals --------------------------------------------------------------------------------


def test_a_copy_goes_into_an_empty_house_only(original: House, shape: Path) -> None:
    done = original.run("anonymised_copy", "make", str(shape))
    assert done.returncode == 1
    assert "a new one" in done.stderr


def test_too_few_to_be_anonymous(tmp_path: Path) -> None:
    small = house("small")
    done = small.run("anonymised_copy", "measure", str(tmp_path / "shape.json"))
    assert done.returncode == 1
    assert "fewer than ten" in done.stderr
    (tmp_path / "odd.json").write_text('{"version": 99}')
    assert small.run("anonymised_copy", "make", str(tmp_path / "odd.json")).returncode == 1
    (tmp_path / "odd.json").write_text("no JSON")
    assert (
        "cannot be read" in small.run("anonymised_copy", "make", str(tmp_path / "odd.json")).stderr
    )


@pytest.mark.parametrize(
    ("cells", "joined"),
    [
        ([(("a",), 50), (("b",), 9), (("c",), 10)], [(("a",), 59), (("c",), 10)]),
        ([(("a",), 3), (("b",), 2)], []),
        ([(("a",), 9), (("b",), 9)], []),
        ([], []),
        ([(("a",), 90, 2), (("b",), 40, 12)], [(("b",), 130)]),
    ],
)
def test_small_cells_join_the_biggest(
    cells: list[tuple[Any, ...]], joined: list[tuple[tuple[str], int]]
) -> None:
    assert without_small_cells(cells) == joined
    assert not joined or sum(n for _k, n in joined) == sum(cell[1] for cell in cells)


def test_the_role_of_the_search_may_only_read(original: House) -> None:
    dsn = plugin.CLUSTER.dsn(
        database=original.names["crm"],
        user="accord_search",
        password=plugin.PASSWORDS["accord_search"],
    )
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM crm_contact")
