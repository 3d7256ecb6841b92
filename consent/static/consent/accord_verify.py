"""Checks a receipt or a proof pack of Accord, on any computer and without a network.

    python accord_verify.py receipt.jsonld [--key NAME+HASH+KEY]
    python accord_verify.py proof.zip      [--key NAME+HASH+KEY]

It needs Python 3.11 and the package `cryptography`, and makes every hash anew. Each line says what
holds ("ok") or what does not ("FAIL", and then the status is 1). A "note" is what it cannot know:
above all, whether the key is the company's own. Compare it with the one that the company
publishes, or give it with --key.
"""

import argparse
import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Json = dict[str, Any]
Headers = dict[str, Json]
RECEIPT, PACK = b"accord-receipt/1\n", b"accord-proof/1\n"
PERMITTING = {"ConsentGiven", "RenewedConsentGiven", "LegitimateInterestNotObjected"}
STATUSES = ("dpv:hasConsentStatus", "dpv:hasStatus", "dpv:hasNoticeStatus")


class Broken(Exception):
    """What was checked does not hold; the argument says why."""


class Report:
    """Prints line by line and remembers whether anything failed."""

    failed = held = 0

    def check(self, what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Broken as error:
            self.fail(f"{what}: {error}")
        except InvalidSignature:
            self.fail(f"{what}: the signature does not fit")
        except Exception as error:  # a file made to confuse must not end as a success
            self.fail(f"{what}: cannot be read ({type(error).__name__})")
        else:
            self.held += 1
            self.say(f"ok    {what}")

    def fail(self, text: str) -> None:
        self.failed += 1
        self.say(f"FAIL  {text}")

    def say(self, line: str) -> None:
        sys.stdout.write(line + "\n")


def require(holds: object, why: str) -> None:
    if not holds:
        raise Broken(why)


def once(pairs: list[tuple[str, Any]]) -> Json:
    """Refuse a name that stands twice: two readers would see two documents."""
    found = dict(pairs)
    require(len(found) == len(pairs), "a name stands twice")
    return found


def read_json(content: str | bytes) -> Any:
    text = content if isinstance(content, str) else content.decode()
    return json.loads(text, object_pairs_hook=once)


def canonical(value: object, *, ascii_only: bool = False) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)
    return text.encode()


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    require(base64.b64encode(raw).decode() == text, "it is not the one spelling of its bytes")
    return raw


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Key:
    """A verifier's key, name+hash+base64(1, Ed25519 public key), as in C2SP signed notes."""

    def __init__(self, text: str) -> None:
        self.name, number, encoded = text.split("+", 2)
        raw = unbase64(encoded)
        require(len(raw) == 33 and raw[:1] == b"\1", "it is not an Ed25519 key")
        self.id = sha256(self.name.encode() + b"\n" + raw)[:4]
        require(self.id.hex() == number, "its hash does not fit")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])


def open_note(key: Key, note: str) -> tuple[int, bytes]:
    """Return (size, root) of a signed head of the log."""
    text, blank, below = note.rpartition("\n\n")
    require(blank and below.endswith("\n"), "it is not a signed note")
    text += "\n"
    raws = [unbase64(line.split(" ", 2)[2]) for line in below.splitlines() if key.name in line]
    signatures = [raw[4:] for raw in raws if raw[:4] == key.id]
    require(signatures, "it is not signed by this key")
    for signature in signatures:
        key.public.verify(signature, text.encode())
    origin, size, root, nothing = text.split("\n")
    require(origin == key.name and nothing == "", "it is of another log")
    require(str(int(size)) == size and len(unbase64(root)) == 32, "it is no head of a log")
    return int(size), unbase64(root)


def root_from(leaf: bytes, index: int, size: int, hashes: Iterable[bytes]) -> bytes:
    """Return the root that a proof of inclusion leads to (RFC 9162, 2.1.3.2)."""
    require(0 <= index < size, "there is no such place in the log")
    place, last = index, size - 1
    for each in hashes:
        require(len(each) == 32 and last > 0, "the way through the log has another length")
        if place & 1 or place == last:
            leaf = sha256(b"\1" + each + leaf)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = sha256(b"\1" + leaf + each)
        place, last = place >> 1, last >> 1
    require(last == 0, "the way through the log has another length")
    return leaf


def header_of(entry: Json) -> Json:
    """Return the header of an entry, which must be spelled the one way there is."""
    header: Json = read_json(entry["header"])
    require(header.get("layout", 1) in (1, 2), "its layout is not known to this program")
    spelled = canonical(header, ascii_only="layout" not in header)
    require(spelled == entry["header"].encode(), "the header is not in its canonical spelling")
    return header


def check_hash(entry: Json) -> None:
    header = header_of(entry)
    require(header["record_id"] == entry["record"], "the header is of another record")
    content = entry["header"].encode()
    if "layout" not in header:
        content = b"\0" + content + unbase64(entry.get("evidence") or "")
    require(sha256(content).hex() == entry["entry_hash"], "the entry hash is another one")


def check_inclusion(entry: Json, heads: Mapping[int, bytes]) -> None:
    require(entry["tree_size"] in heads, "no signed head has this size")
    row = entry["seq"].to_bytes(8, "big") + bytes.fromhex(entry["record"].replace("-", ""))
    leaf = sha256(b"\0\1" + row + bytes.fromhex(entry["entry_hash"]))
    hashes = [unbase64(each) for each in entry["hashes"]]
    root = root_from(leaf, entry["index"], entry["tree_size"], hashes)
    require(root == heads[entry["tree_size"]], "the log of this head does not hold this entry")


def check_rules(header: Json) -> None:
    state, basis = header["event_state"], header["basis"]
    if state.startswith("LegitimateInterest"):
        require(basis == "A6-1-f-controller", "a state of legitimate interest on another basis")
    elif "Consent" in state:
        require(basis == "A6-1-a", "a state of consent on another basis")
    if basis == "A6-1-f-controller":
        require(header["assessment_id"], "legitimate interest without a balancing assessment")
    if state in PERMITTING:
        require(header["notice_sha256"], "a permission without a notice")


def moment(text: str) -> str:
    """Return a time of a header in the spelling of the records: UTC with six digits."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def urn(number: str | None) -> str | None:
    return f"urn:uuid:{number}" if number else None


def check_view(record: Json | None, header: Json) -> None:
    """The JSON-LD says what the header says, so that nobody reads one and proves the other."""
    if record is None:
        raise Broken("it is missing")
    process = record["dpv:hasProcess"]
    [status] = [record[name] for name in STATUSES if name in record]
    notice = record.get("dpv:hasNotice", {})
    same = {
        "name": (record["@id"], urn(header["record_id"])),
        "profile": (record["dct:conformsTo"], header["schema_version"]),
        "person": (record["dpv:hasDataSubject"], urn(header["subject_id"])),
        "language": (record["dct:language"], header["language"]),
        "time of writing": (record["dct:created"], moment(header["received_at"])),
        "time of the act": (status["dpv:isIndicatedAtTime"], moment(header["event_at"])),
        "state": (status["@type"], f"dpv:{header['event_state']}"),
        "method": (status["dpv:hasIndicationMethod"], header["method"]),
        "text of the box": (status.get("accord:controlTextSha256"), header["control_text_sha256"]),
        "purpose": (process["dpv:hasPurpose"]["dct:identifier"], header["purpose_id"]),
        "channel": (process["dpv:hasScope"]["dct:identifier"], header["channel"]),
        "basis": (process["dpv:hasLegalBasis"], f"eu-gdpr:{header['basis']}"),
        "record before": (record.get("dct:replaces"), urn(header["supersedes"])),
        "record of the notice": (record.get("dct:references"), urn(header.get("shown_record"))),
        "notice": (notice.get("@id"), urn(header["notice_id"])),
        "text": (notice.get("accord:sha256"), header["notice_id"] and header["notice_sha256"]),
    }
    other = [name for name, (left, right) in same.items() if left != right]
    require(not other, f"the record says another {', '.join(other)} than its header")


def check_chain(headers: Headers, places: Mapping[str, int]) -> None:
    """What a record replaces, and the notice it rests on, are of the same person and older."""
    for number, header in headers.items():
        for before in {header["supersedes"], header.get("shown_record")} & set(headers):
            same = all(
                headers[before][name] == header[name] for name in ("subject_id", "purpose_id")
            )
            require(same, "one rests on a record of somebody else or for something else")
            is_older = places.get(before, -1) < places.get(number, sys.maxsize)
            require(is_older, "one rests on a record that was written later")


class Ledger:
    """The part of a file that holds entries, their proofs and the heads of the log."""

    def __init__(
        self, report: Report, ledger: Json, records: Iterable[Json], notices: Mapping[str, bytes]
    ) -> None:
        self.report = report
        self.key = Key(ledger["key"])
        self.views = {record.get("dct:identifier"): record for record in records}
        self.notices = notices
        self.heads: dict[int, bytes] = {}
        self.headers: Headers = {}
        for note in ledger["checkpoints"]:
            report.check("a head of the log is signed", partial(self._take_head, note))
        for entry in ledger["entries"]:
            self._check_entry(entry, str(entry.get("record")))
        alone = set(self.views) - set(self.headers)
        report.check("every record has its entry", lambda: require(not alone, "one has none"))
        places = {each["record"]: each["index"] for each in ledger["entries"] if each["sealed"]}
        chained = partial(check_chain, self.headers, places)
        report.check("records rest on earlier ones of the same person", chained)

    def _take_head(self, note: str) -> None:
        size, root = open_note(self.key, note)
        self.heads[size] = root

    def _check_entry(self, entry: Json, number: str) -> None:
        check = self.report.check
        check(f"{number}: its hash is that of its header", partial(self._take_header, entry))
        if (header := self.headers.get(number)) is None:
            return
        if entry.get("sealed"):
            check(f"{number}: it is in the log", partial(check_inclusion, entry, self.heads))
        else:
            self.report.say(f"note  {number}: not in the log yet when this was made")
        check(f"{number}: its state fits its basis", partial(check_rules, header))
        view = self.views.get(number)
        check(f"{number}: its record says the same", partial(check_view, view, header))
        if header["notice_id"]:
            check(f"{number}: the notice is the text shown", partial(self._check_notice, header))

    def _take_header(self, entry: Json) -> None:
        check_hash(entry)
        require(entry["record"] not in self.headers, "its entry stands twice")
        self.headers[entry["record"]] = header_of(entry)

    def _check_notice(self, header: Json) -> None:
        require(header["notice_id"] in self.notices, "its notice is missing")
        found = sha256(self.notices[header["notice_id"]])
        require(found.hex() == header["notice_sha256"], "the notice is another text")


def check_key(report: Report, ledger: Json, trusted: str | None) -> None:
    key = ledger["key"]
    if trusted:
        report.check("the key is the one you gave", lambda: require(key == trusted, "it is not"))
    else:
        report.say(f"note  the key stands in the file itself; compare it: {key}")


def check_signature(key: str, signature: Json, prefix: bytes, document: Json) -> None:
    require(signature["key"] == key, "it is signed with another key than the log")
    Key(key).public.verify(unbase64(signature["value"]), prefix + canonical(document))


def verify_receipt(report: Report, content: bytes, trusted: str | None) -> None:
    receipt: Json = read_json(content)
    signature, ledger = receipt.pop("signature"), receipt["ledger"]
    check_key(report, ledger, trusted)
    signed = partial(check_signature, ledger["key"], signature, RECEIPT, receipt)
    report.check("the receipt is signed", signed)
    notices = {
        notice["@id"].removeprefix("urn:uuid:"): notice["schema:text"]["@value"].encode()
        for notice in receipt.get("dpv:hasNotice", [])
    }
    records = receipt.get("dpv:hasRecordOfActivity", [])
    headers = Ledger(report, ledger, records, notices).headers
    people = {urn(header["subject_id"]) for header in headers.values()}
    alone = people <= {receipt["dpv:hasDataSubject"]}
    report.check("every record is of its person", lambda: require(alone, "one is of another"))


def files_of(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        inside = [each for each in sorted(path.rglob("*")) if each.is_file()]
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in inside}
    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
        require(len(set(names)) == len(names), "a file stands twice")
        return {name: pack.read(name) for name in names}


def check_manifest(files: Mapping[str, bytes], manifest: Json) -> None:
    listed = manifest["files"]
    other = sorted(set(files) ^ {*listed, "manifest.json"})
    require(not other, f"missing or too many: {', '.join(other)}")
    changed = [name for name, number in listed.items() if sha256(files[name]).hex() != number]
    require(not changed, f"changed: {', '.join(sorted(changed))}")


def check_named(headers: Headers, name: str, known: Iterable[object]) -> None:
    named = {header.get(name) for header in headers.values()} - {None}
    require(named <= set(known), "one that a record names is missing")


def check_purposes(purposes: list[Json], headers: Headers) -> None:
    for each in purposes:
        found = sha256(canonical(each["document"])).hex()
        require(each["sha256"] in (None, found), "a purpose is another text than its hash")
    check_named(headers, "purpose_version", (each["version"] for each in purposes))


def check_message(message: Json, entries: Iterable[Json], headers: Headers) -> None:
    if not message["handed_over_at"]:
        return  # it never left
    [name] = [each["record"] for each in entries if each["seq"] == message["justification_seq"]]
    header = headers[name]
    require(header["event_state"] in PERMITTING, "what it rests on permits nothing")
    require(header["purpose_id"] == message["purpose"], "what it rests on is of another purpose")
    before = moment(header["received_at"]) <= moment(message["handed_over_at"])
    require(before, "what it rests on was written later")


def check_subject(manifest: Json, headers: Headers) -> None:
    for header in headers.values():
        require(header["subject_id"] == manifest["subject"], "a record is of somebody else")
        require(header["purpose_id"] == manifest["purpose"], "a record is of another purpose")


def verify_pack(report: Report, path: Path, trusted: str | None) -> None:
    files = files_of(path)
    manifest, ledger = read_json(files["manifest.json"]), read_json(files["ledger.json"])
    signature = manifest.pop("signature")
    check_key(report, ledger, trusted)
    signed = partial(check_signature, ledger["key"], signature, PACK, manifest)
    report.check("the list of files is signed", signed)
    report.check("the files are those of the list", lambda: check_manifest(files, manifest))
    notices = {each["id"]: files[each["file"]] for each in read_json(files["notices.json"])}
    records = read_json(files["records.jsonld"])["@graph"]
    headers = Ledger(report, ledger, records, notices).headers
    report.check("the records are of what was asked", lambda: check_subject(manifest, headers))
    purposes, assessments = read_json(files["purposes.json"]), read_json(files["assessments.json"])
    report.check("the purposes are as they were", lambda: check_purposes(purposes, headers))
    named = partial(check_named, headers, "assessment_id", [each["id"] for each in assessments])
    report.check("the balancing assessments are there", named)
    if "message.json" in files:
        message = read_json(files["message.json"])
        rests = partial(check_message, message, ledger["entries"], headers)
        report.check("the message rests on a permission that was there before", rests)


def main() -> int:
    parser = argparse.ArgumentParser(description="Check a receipt or a proof pack of Accord.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--key", help="the verifier's key that the company publishes")
    given, report = parser.parse_args(), Report()
    try:
        if given.path.is_dir() or zipfile.is_zipfile(given.path):
            verify_pack(report, given.path, given.key)
        else:
            verify_receipt(report, given.path.read_bytes(), given.key)
    except Exception as error:
        report.fail(f"this is no receipt and no proof pack ({type(error).__name__}: {error})")
    holds = report.held and not report.failed
    report.say(f"{'holds' if holds else 'DOES NOT HOLD'}: {report.held} ok, {report.failed} failed")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
