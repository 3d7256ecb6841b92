"""The formats a second time, written from docs/formats/vault.md and from the standards alone.

Nothing of the product is imported: the page must be enough to read what an installation has kept,
and these are its known answers. `python -m tests.privacy.vault.by_the_page` writes them into
vectors.json. A format that was used is never written anew: it gets a new version and new vectors.
"""

import hashlib
import hmac
import json
import zlib
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from tests.privacy.vault.by_the_rfc import hpke_seal

FILE = Path(__file__).parent / "vectors.json"
Vector = dict[str, Any]
INSTALLATION, OTHER_INSTALLATION = UUID(int=0xA1), UUID(int=0xA2)
ALICE, BOB = UUID(int=0xB2), UUID(int=0xB3)
RECORD, OTHER_RECORD = UUID(int=0xC4), UUID(int=0xC5)
KEY, OTHER_KEY = bytes(range(32)), bytes(range(32, 64))
NONCE = bytes(range(12))


def case(expected: str, **said: object) -> Vector:
    return {"name": expected.replace("_", " "), "expected": expected, **said}


def lp(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def flip(body: bytes, at: int) -> bytes:
    changed = bytearray(body)
    changed[at] ^= 1
    return bytes(changed)


# --- documents, evidence and data keys -------------------------------------------------------


def sealed_document(
    key: bytes, nonce: bytes, kind: str, retention_class: int, generation: int, *,
    installation: UUID, subject: UUID, last: bytes, plaintext: bytes,
) -> bytes:  # fmt: skip
    """A body of kind `blob` (last: the revision) or `ledger` (last: the record)."""
    header = b"C\x01\x01" + bytes([retention_class]) + generation.to_bytes(4, "big")
    padded = (plaintext + b"\x80").ljust(max(256, -(-(len(plaintext) + 1) // 64) * 64), b"\0")
    context = lp(b"crm", kind.encode(), header, installation.bytes, b"contact", subject.bytes,
                 bytes([retention_class]), last)  # fmt: skip
    return header + nonce + AESGCM(key).encrypt(nonce, padded, context)


def wrapped_data_key(
    kek: bytes, nonce: bytes, data_key: bytes, retention_class: int, generation: int, *,
    installation: UUID, subject: UUID,
) -> bytes:  # fmt: skip
    context = lp(b"crm", b"dek", b"\x01", installation.bytes, subject.bytes,
                 bytes([retention_class]), generation.to_bytes(4, "big"))  # fmt: skip
    return nonce + AESGCMSIV(kek).encrypt(nonce, data_key, context)


def evidence_vectors() -> list[Vector]:
    plaintext = b'{"d":{"network":"192.0.2.0/24"},"v":1}'
    body = sealed_document(
        KEY, NONCE, "ledger", 3, 1,
        installation=INSTALLATION, subject=ALICE, last=RECORD.bytes, plaintext=plaintext,
    )  # fmt: skip
    place = {
        "instance_id": str(INSTALLATION),
        "subject_id": str(ALICE),
        "retention_class": 3,
        "generation": 1,
        "record_id": str(RECORD),
    }

    def vector(expected: str, body: bytes = body, key: bytes = KEY, **moved: object) -> Vector:
        return case(
            expected,
            place={**place, **moved},
            key=key.hex(),
            body=body.hex(),
        )

    return [
        {**vector("good"), "plaintext": plaintext.hex()},
        vector("wrong_key", key=OTHER_KEY),
        vector("swapped_record", record_id=str(OTHER_RECORD)),
        vector("swapped_subject", subject_id=str(BOB)),
        vector("swapped_class", retention_class=1),
        vector("wrong_installation", instance_id=str(OTHER_INSTALLATION)),
        vector("wrong_generation", generation=2),
        vector("flipped_bit", body=flip(body, 30)),
        vector("truncated", body=body[:-1]),
    ]


# --- private halves of sealing keys ----------------------------------------------------------


def sealing_key_vectors() -> list[Vector]:
    private, number = bytes(range(64, 96)), 20261123
    context = lp(b"crm", b"seal", b"\x01", INSTALLATION.bytes, number.to_bytes(4, "big"))
    wrapped = NONCE + AESGCMSIV(KEY).encrypt(NONCE, private, context)
    as_data_key = lp(b"crm", b"dek", b"\x01", INSTALLATION.bytes, number.to_bytes(4, "big"))
    of_subject = NONCE + AESGCMSIV(KEY).encrypt(NONCE, private, as_data_key)

    def vector(expected: str, **changed: object) -> Vector:
        base: Vector = {
            "kek": KEY.hex(),
            "instance_id": str(INSTALLATION),
            "seal_key": number,
            "wrapped": wrapped.hex(),
        }
        return case(expected, **base | changed)

    return [
        {**vector("good"), "private": private.hex()},
        vector("wrong_epoch", kek=OTHER_KEY.hex()),
        vector("swapped_sealing_key", seal_key=number + 1),
        vector("wrong_installation", instance_id=str(OTHER_INSTALLATION)),
        vector("data_key_shown_as_sealing_key", wrapped=of_subject.hex()),
        vector("flipped_bit", wrapped=flip(wrapped, 20).hex()),
        vector("truncated", wrapped=wrapped[:20].hex()),
        vector("empty", wrapped=""),
    ]


# --- key ring and derived keys ---------------------------------------------------------------


def ring_file(root: bytes, label: str, key: bytes) -> str:
    wrapped = NONCE + AESGCMSIV(root).encrypt(NONCE, key, lp(b"crm/ring", label.encode()))
    content = {
        "label": label,
        "created_at": "2026-11-23T09:00:00+00:00",
        "wrapped": b64encode(wrapped).decode(),
    }
    return json.dumps(content, indent=1)


def ring_vectors() -> list[Vector]:
    first, second, index = bytes(range(96, 128)), bytes(range(128, 160)), bytes(range(160, 192))
    files = {
        "root.key": b64encode(KEY).decode(),
        "index.json": ring_file(KEY, "index", index),
        "kek-000001.json": ring_file(KEY, "kek-1", first),
        "kek-000002.json": ring_file(KEY, "kek-2", second),
    }
    labels = ("bidx|email|1", "bidx|phone|1", "fingerprint|1", "link|1", "id|1")
    # HKDF-Expand of RFC 5869 2.3, one block
    derived = {name: mac(index, lp(b"crm/derived", name.encode()) + b"\x01") for name in labels}

    def vector(expected: str, **changed: str) -> Vector:
        kept = {**files, **{f"{name}.json": text for name, text in changed.items()}}
        return case(expected, files=kept)

    renewed = bytes(range(200, 232))
    later = mac(renewed, lp(b"crm/derived", b"bidx|email|2") + b"\x01")
    whole = files["kek-000001.json"]
    short = json.dumps({"wrapped": b64encode(bytes(20)).decode()})
    first_kek = "kek-000001"
    return [
        {
            **vector("good"),
            "keks": {"1": first.hex(), "2": second.hex()},
            "derived": {name: key.hex() for name, key in derived.items()},
        },
        {**vector("wrong_root"), "files": {**files, "root.key": b64encode(OTHER_KEY).decode()}},
        {**vector("no_root"), "files": {n: v for n, v in files.items() if n != "root.key"}},
        vector("swapped_label", **{first_kek: files["kek-000002.json"]}),
        vector("cut_file", **{first_kek: whole[:-20]}),
        vector("truncated", **{first_kek: short}),
        vector("nothing_wrapped", **{first_kek: "{}"}),
        {
            **vector("good", **{"fingerprint-000002": ring_file(KEY, "fingerprint-2", renewed)}),
            "name": "good with a second key of fingerprints",
            "keks": {"1": first.hex(), "2": second.hex()},
            "derived": {},
            "fingerprints": {"1": derived["fingerprint|1"].hex(), "2": renewed.hex()},
        },
        {
            **vector("good", **{"index-000002": ring_file(KEY, "index-2", renewed)}),
            "name": "good with a second key of the index",
            "keks": {"1": first.hex(), "2": second.hex()},
            "derived": {"link|1": derived["link|1"].hex()},
            "index_derived": {"2": {"bidx|email|2": later.hex()}},
        },
    ]


# --- index tokens and fingerprints -----------------------------------------------------------


def token_vectors() -> list[Vector]:
    found = []
    for kind, typed, normalised, wide in (
        ("email", " Alice.Martin@Example.ORG ", "alice.martin@example.org", ""),
        ("email", "alice+news@example.org", "alice+news@example.org", "alice@example.org"),
        ("email", "zoe\u0301@soci\u00e9t\u00e9.fr", "zo\u00e9@xn--socit-esab.fr", ""),
        ("phone", "01 23 45 67 89", "+33123456789", ""),
    ):
        digest = mac(KEY, lp(kind.encode(), normalised.encode()))
        found.append(
            {
                "name": normalised,
                "expected": "good",
                "kind": kind,
                "typed": typed,
                "normalised": normalised,
                "key": KEY.hex(),
                "token": int.from_bytes(digest[:8], "big", signed=True),
                "fingerprint": digest[:16].hex(),
                "wide": mac(KEY, lp(kind.encode(), (wide or normalised).encode()))[:16].hex(),
            }
        )
    for expected, kind, typed in (
        ("no_domain", "email", "alice"),
        ("no_dot", "email", "alice@localhost"),
        ("two_ats", "email", "a@b@example.org"),
        ("line_break", "email", "a\r\nBcc: b@example.org"),
        ("not_a_domain", "email", "a@-bad-.org"),
        ("too_long", "email", "a" * 65 + "@example.org"),
        ("too_few_digits", "phone", "12"),
    ):
        found.append(case(expected, kind=kind, typed=typed))
    return found


# --- sealed envelopes: HPKE base mode, RFC 9180 ----------------------------------------------


def envelope_vectors() -> list[Vector]:
    private, number, envelope = bytes(range(1, 33)), 20261123, UUID(int=0xE5)
    info = lp(b"crm/submission", b"\x01", INSTALLATION.bytes, envelope.bytes, b"contact",
              number.to_bytes(4, "big"))  # fmt: skip
    recipient = X25519PrivateKey.from_private_bytes(private).public_key()
    plaintext = b'{"v":1}'
    padded = plaintext.ljust(64 - 49)
    sealed = b"\x01" + hpke_seal(recipient, bytes(range(2, 34)), info, padded)

    def vector(expected: str, **changed: object) -> Vector:
        base: Vector = {
            "private": private.hex(),
            "kind": "submission",
            "instance_id": str(INSTALLATION),
            "envelope_id": str(envelope),
            "context": "contact",
            "seal_key": number,
            "sealed": sealed.hex(),
        }
        return case(expected, **base | changed)

    return [
        {**vector("good"), "plaintext": padded.hex()},
        vector("wrong_key", private=bytes(range(3, 35)).hex()),
        vector("swapped_kind", kind="decision"),
        vector("wrong_installation", instance_id=str(OTHER_INSTALLATION)),
        vector("swapped_envelope", envelope_id=str(UUID(int=0xE6))),
        vector("swapped_form", context="newsletter"),
        vector("swapped_sealing_key", seal_key=number + 1),
        vector("unknown_suite", sealed=(b"\x02" + sealed[1:]).hex()),
        vector("flipped_bit", sealed=flip(sealed, 40).hex()),
        vector("not_a_curve_point", sealed=(b"\x01" + bytes(32) + sealed[33:]).hex()),
        vector("truncated", sealed=sealed[:-1].hex()),
        vector("too_short", sealed=sealed[:63].hex()),
    ]


# --- link tokens -----------------------------------------------------------------------------


def link_token(key: bytes, body: bytes, scope: bytes) -> str:
    tag = mac(key, lp(b"crm/link", scope, body))[:16]
    return urlsafe_b64encode(body + tag).rstrip(b"=").decode()


def link_vectors() -> list[Vector]:
    card, mark = UUID(int=0xF7), bytes(range(16))
    body = b"\x01\x02" + card.bytes + (3).to_bytes(2, "big") + mark
    token = link_token(KEY, body, b"opt_out")
    everything = link_token(KEY, b"\x01\x02" + card.bytes + bytes(2) + mark, b"opt_out")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + letters[letters.index(token[-1]) ^ 1]

    def vector(expected: str, token: str = token, **changed: object) -> Vector:
        base: Vector = {
            "keys": {"2": KEY.hex()},
            "scope": "opt_out",
            "token": token,
        }
        return case(expected, **base | changed)

    good = {"card": str(card), "fingerprint": mark.hex()}
    return [
        {**vector("good"), **good, "purpose": 3},
        {**vector("good", everything), **good, "purpose": 0, "name": "good for every purpose"},
        vector("other_scope", scope="confirm"),
        vector("unknown_key", keys={"1": KEY.hex()}),
        vector("wrong_key", keys={"2": OTHER_KEY.hex()}),
        vector("unknown_version", link_token(KEY, b"\x02" + body[1:], b"opt_out")),
        vector("flipped_bit", ("B" if token[30] == "A" else "A").join((token[:30], token[31:]))),
        vector("truncated", token[:-2]),
        vector("other_spelling", respelled),
        vector("padded", token + "=="),
    ]


def measure_link_vectors() -> list[Vector]:
    card, link = UUID(int=0xF7), UUID(int=0xF8)
    head = b"\x02\x02" + card.bytes + (4711).to_bytes(8, "big")
    body, picture = head + link.bytes, head + bytes(16)
    token = link_token(KEY, body, b"click")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + letters[letters.index(token[-1]) ^ 1]
    says_no = b"\x01\x02" + card.bytes + (3).to_bytes(2, "big") + bytes(range(16))

    def vector(expected: str, token: str = token, **changed: object) -> Vector:
        base: Vector = {"keys": {"2": KEY.hex()}, "scope": "click", "token": token}
        return case(expected, **base | changed)

    good = {"card": str(card), "delivery": 4711}
    opened = vector("good", link_token(KEY, picture, b"open"), scope="open")
    return [
        {**vector("good"), **good, "link": str(link)},
        {**opened, **good, "link": str(UUID(int=0)), "name": "good for the picture"},
        vector("other_scope", scope="open"),
        vector("unknown_key", keys={"1": KEY.hex()}),
        vector("wrong_key", keys={"2": OTHER_KEY.hex()}),
        vector("unknown_version", link_token(KEY, b"\x03" + body[1:], b"click")),
        vector("way_to_say_no", link_token(KEY, says_no, b"click")),
        vector("flipped_bit", ("B" if token[30] == "A" else "A").join((token[:30], token[31:]))),
        vector("truncated", token[:-2]),
        vector("other_spelling", respelled),
        vector("padded", token + "=="),
    ]


def keyed_id_vectors() -> list[Vector]:
    parts = [RECORD.bytes, ALICE.bytes, b"\x01"]
    message = mac(KEY, lp(b"message_id", *parts))[:16]
    path = mac(KEY, lp(b"return_path", (4711).to_bytes(8, "big")))[:16]
    return [
        {"name": name, "scope": name, "key": KEY.hex(), "parts": [p.hex() for p in found],
         "keyed_id": value.hex()}
        for name, found, value in (
            ("message_id", parts, message), ("return_path", [(4711).to_bytes(8, "big")], path)
        )
    ]  # fmt: skip


# --- journals --------------------------------------------------------------------------------


def journal_frames() -> list[bytes]:
    genesis = {"journal_id": str(UUID(int=0x10)), "instance_id": str(INSTALLATION)}
    said_no = {
        "exact": bytes(16).hex(), "wide": bytes(16).hex(), "purposes": "newsletter",
        "method": "one_click_post", "source": str(RECORD), "at": "2026-11-23T09:00:01+00:00",
        "language": "fr", "indicated_by": "subject", "actor": "",
    }  # fmt: skip
    before, frames = bytes(32), []
    for seq, (kind, subject, fields) in enumerate(
        [("genesis", None, genesis), ("consent.no", str(ALICE), said_no),
         ("consent.no", None, {**said_no, "purposes": "*", "method": "by_address"})]
    ):  # fmt: skip
        content = {"at": f"2026-11-23T09:00:0{seq}+00:00", "fields": fields, "kind": kind,
                   "seq": seq, "subject": subject}  # fmt: skip
        payload = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        before = hashlib.sha256(before + payload).digest()
        frames.append(len(payload).to_bytes(4, "big") + payload + before)
    return frames


def journal_vectors() -> list[Vector]:
    genesis, first, second = journal_frames()
    whole = genesis + first + second

    def vector(expected: str, content: bytes) -> Vector:
        return case(expected, content=content.hex())

    return [
        {**vector("good", whole), "head": second[-32:].hex(), "seq": 2},
        {**vector("good", genesis + first + second[:-7]), "name": "good up to an unfinished frame",
         "head": first[-32:].hex(), "seq": 1},
        vector("altered", flip(whole, len(genesis) + 60)),
        vector("altered_hash", flip(whole, len(genesis) - 1)),
        vector("left_out", genesis + second),
        vector("exchanged", genesis + second + first),
        vector("beginning_cut", first + second),
        vector("repeated", genesis + first + first),
        vector("not_founded", b""),
    ]  # fmt: skip


def intake_journal_vectors() -> list[Vector]:
    sealed, at = bytes(range(64)), "2026-11-23T09:00:00+00:00"
    payload = lp(b"submission", b"contact", RECORD.bytes, (20261123).to_bytes(4, "big"),
                 at.encode(), sealed)  # fmt: skip
    frame = len(payload).to_bytes(4, "big") + payload + zlib.crc32(payload).to_bytes(4, "big")
    return [
        case(
            "good", file="20261123.log", kind="submission", context="contact",
            envelope_id=str(RECORD), seal_key=20261123, at=at, sealed=sealed.hex(),
            content=frame.hex(),
        )
    ]  # fmt: skip


def sections() -> dict[str, list[Vector]]:
    return {
        "evidence": evidence_vectors(),
        "sealing_keys": sealing_key_vectors(),
        "rings": ring_vectors(),
        "tokens": token_vectors(),
        "envelopes": envelope_vectors(),
        "links": link_vectors(),
        "measure_links": measure_link_vectors(),
        "keyed_ids": keyed_id_vectors(),
        "journals": journal_vectors(),
        "intake_journals": intake_journal_vectors(),
    }


def main() -> None:
    known = json.loads(FILE.read_text(encoding="utf-8"))
    FILE.write_text(json.dumps({**known, **sections()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
