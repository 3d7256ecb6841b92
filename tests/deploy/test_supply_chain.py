"""The bill of materials is whole and of today; a part with a known hole is called out."""

import json
import re
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.supply_chain import BILL, CLEAN, LOCK, UNKNOWN, VULNERABLE, audit, bill_of_materials
from deploy.vendor import PACKAGES

TODAY = date(2026, 11, 24)
LOCKED = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
NOTHING = "accepted = []\n"


class Osv(ThreadingHTTPServer):
    """Answers like OSV: `holes` says which part has which."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.holes: dict[str, dict[str, Any]] = {}
        self.asked: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/query"


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Osv)
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = question["package"]["name"]
        self.server.asked.add(name)
        hole = self.server.holes.get(name)
        body = json.dumps({"vulns": [hole]} if hole else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    with Osv() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "accepted.toml"
    path.write_text(NOTHING)
    return path


def _hole(name: str, ecosystem: str, version: str) -> dict[str, Any]:
    return {
        "id": "GHSA-aaaa-bbbb-cccc",
        "aliases": ["CVE-2026-0001"],
        "summary": "A planted one.",
        "modified": "2026-11-01T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "affected": [
            {
                "package": {"name": name, "ecosystem": ecosystem},
                "versions": [version],
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
    }


def test_the_bill_names_every_part_with_its_digest_and_is_valid() -> None:
    text = BILL.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = {(p.get("group", ""), p["name"], p["version"]) for p in json.loads(text)["components"]}
    assert {("", name, version) for name, version in LOCKED.items()} <= parts
    vendored = {(*p.name.rpartition("/")[::2], p.version) for p in PACKAGES}
    assert vendored <= parts
    assert len(parts) == len(LOCKED) + len(PACKAGES)
    for part in json.loads(text)["components"]:
        digests = part.get("hashes") or part["externalReferences"][0]["hashes"]
        assert digests, part["name"]


def test_the_bill_is_of_the_lock_of_today() -> None:
    assert json.loads(BILL.read_text(encoding="utf-8")) == bill_of_materials(), "run `make lock`"


def test_every_part_is_asked_about_and_nothing_known_is_clean(osv: Osv, ledger: Path) -> None:
    assert audit(osv=osv.url, today=TODAY, path=ledger) == CLEAN
    assert osv.asked == LOCKED.keys() | {package.name for package in PACKAGES}


@pytest.mark.parametrize(
    ("name", "ecosystem", "version"),
    [("django", "PyPI", LOCKED["django"]), ("htmx.org", "npm", "2.0.11")],
)
def test_a_known_hole_is_called_out_until_somebody_accepts_it_for_a_while(
    name: str,
    ecosystem: str,
    version: str,
    osv: Osv,
    ledger: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    osv.holes[name] = _hole(name, ecosystem, version)
    assert audit(osv=osv.url, today=TODAY, path=ledger) == VULNERABLE
    assert "GHSA-aaaa-bbbb-cccc" in capsys.readouterr().out
    row = '[[accepted]]\nid = "CVE-2026-0001"\nreason = "Not called."\nuntil = 2026-11-30\n'
    ledger.write_text(row)
    assert audit(osv=osv.url, today=TODAY, path=ledger) == CLEAN
    assert audit(osv=osv.url, today=date(2026, 12, 1), path=ledger) == VULNERABLE


def test_nobody_to_ask_is_not_clean(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Osv() as gone:
        url = gone.url
    assert audit(osv=url, today=TODAY, path=ledger) == UNKNOWN
    assert "UNKNOWN" in capsys.readouterr().out
