"""The search for canaries finds what was planted, in each form and in each kind of place."""

import base64
import hashlib
import zlib
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests import plugin
from tests.canaries import sinks
from tests.canaries.forms import encodings, needles
from tests.canaries.search import search, unpacked

VALUE = "Zoë-Quaxelbroth.9@example.org"
PHONE = "+33 6 39 98 71 53"
_FORMS = sorted(encodings(VALUE))


def _planted(form: str) -> list[bytes]:
    return sorted(encodings(VALUE)[form])


@pytest.mark.parametrize("form", _FORMS)
def test_each_form_is_found_in_the_middle_of_other_bytes(form: str, tmp_path: Path) -> None:
    for number, needle in enumerate(_planted(form)):
        place = tmp_path / f"{number}"
        place.write_bytes(b"\0\xff\n" * 40_000 + b"x" + needle + b"y\n" + b"\0" * 9)
        assert [path for path, _what in search(needles([VALUE]), [tmp_path])] == [place], needle
        place.unlink()


def test_the_forms_are_those_that_others_would_make() -> None:
    """Written without the module under test: else both would be wrong together."""
    raw = VALUE.encode()
    forms = {piece for pieces in encodings(VALUE).values() for piece in pieces}
    for expected in (
        raw,
        VALUE[::-1].encode(),
        VALUE.encode("utf-16-le"),
        raw.hex().encode(),
        b"Zo%C3%AB-Quaxelbroth.9%40example.org",
        b"Zo=C3=AB-Quaxelbroth.9@example.org",
        b"Zo\\u00eb-Quaxelbroth.9@example.org",
        hashlib.sha256(VALUE.lower().encode()).hexdigest().encode(),
        hashlib.md5(raw, usedforsecurity=False).digest(),
    ):
        assert expected in forms, expected
    assert {b"+33639987153", b"0639987153"} <= encodings(PHONE)["plain"]


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("behind", range(4))
def test_base64_is_found_wherever_the_value_stands_in_it(
    before: int, behind: int, tmp_path: Path
) -> None:
    whole = base64.b64encode(b"?" * before + VALUE.encode() + b"!" * behind)
    (tmp_path / "a.log").write_bytes(whole)
    assert search(needles([VALUE]), [tmp_path])


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(zlib.compress(b"nothing of this") * 1000)
    assert search(needles([VALUE, PHONE]), [tmp_path]) == []


def test_a_search_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        search(needles([VALUE]), [tmp_path / "none"])


def test_a_log_a_broker_folder_and_a_mail_are_searched(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "x"
    mail["Comments"] = VALUE
    files = {
        "worker.log": f"ERROR crm Key (email)=({VALUE}) exists\n".encode(),
        "queue/1.celery.msg": b'{"body": "%s"}' % base64.b64encode(f"[[{VALUE!r}]]".encode()),
        "mail/1.eml": f"X-Who: {PHONE.replace(' ', '')}\r\n".encode() + mail.as_bytes(),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    hits = search(needles([VALUE, PHONE]), [tmp_path])
    assert {path.relative_to(tmp_path).as_posix() for path, _what in hits} == set(files)


def test_a_table_is_searched_in_its_dump_in_its_files_and_in_the_wal(tmp_path: Path) -> None:
    name = f"planted_{uuid4().hex[:8]}"
    since = sinks.position(plugin.CLUSTER)
    admin = plugin.CLUSTER.dsn(database="postgres")
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        with psycopg.connect(plugin.CLUSTER.dsn(database=name)) as inside:
            inside.execute("CREATE TABLE words (word text); CREATE TABLE bytes (body bytea)")
            inside.execute("INSERT INTO words VALUES (%s)", [VALUE])
            inside.execute("INSERT INTO bytes VALUES (%s)", [VALUE.encode("utf-16-le")])
        dumped, bare = sinks.dump(plugin.CLUSTER, database=name, folder=tmp_path)
        places = sinks.data_files(plugin.CLUSTER, databases=[name], since=since)
        hits = search(needles([VALUE]), [dumped, bare, *places])
    finally:
        with psycopg.connect(admin, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    found = {(path, what.partition(" ")[0]) for path, what in hits}
    assert {(dumped, "plain"), (bare, "utf-16")} <= found
    kinds = {(path.parent.parent.name, what) for path, what in found if path not in (dumped, bare)}
    assert {("base", "plain"), ("base", "utf-16")} <= kinds
    assert {what for path, what in found if path.parent.name == "pg_wal"} >= {"plain", "utf-16"}


def test_the_bytes_of_a_dump_are_unpacked() -> None:
    assert unpacked(b"1\t\\\\x" + VALUE.encode().hex().encode() + b"\t2") == VALUE.encode()
