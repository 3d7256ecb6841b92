"""Known answers of every durable format; each vector that must fail says why it does."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pytest_django import Settings

from privacy import envelopes, services
from privacy.journal import Journal, JournalBroken, JournalUnreachable
from privacy.models import Envelope, TokenKind
from privacy.vault import formats, indexes, links, sealing
from privacy.vault.formats import BlobPlace, RecordPlace, Unreadable
from privacy.vault.indexes import InvalidAddress
from privacy.vault.keyring import KeysMissing, LocalKeyRing
from privacy.vault.links import Link, MeasureLink, NotOurLink
from tests.privacy.vault import by_the_page

VECTORS = json.loads(by_the_page.FILE.read_text(encoding="utf-8"))
Vector = dict[str, Any]


def _each(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[section], ids=lambda v: v["name"])


def _bytes(vector: Vector, name: str) -> bytes:
    return bytes.fromhex(vector[name])


def test_the_vectors_are_what_the_page_says() -> None:
    made = by_the_page.sections()
    assert {name: VECTORS[name] for name in made} == made


def test_good_documents_and_data_keys_are_what_the_page_says() -> None:
    for vector in (each for each in VECTORS["blobs"] if each["expected"] == "good"):
        place, body = vector["place"], _bytes(vector, "body")
        assert body == by_the_page.sealed_document(
            _bytes(vector, "key"),
            body[8:20],
            "blob",
            place["retention_class"],
            place["generation"],
            installation=UUID(place["instance_id"]),
            subject=UUID(place["subject_id"]),
            last=place["rev"].to_bytes(8, "big"),
            plaintext=_bytes(vector, "plaintext"),
        )
    for vector in (each for each in VECTORS["keys"] if each["expected"] == "good"):
        place, wrapped = vector["place"], _bytes(vector, "wrapped")
        assert wrapped == by_the_page.wrapped_data_key(
            _bytes(vector, "kek"),
            wrapped[:12],
            _bytes(vector, "data_key"),
            place["retention_class"],
            place["generation"],
            installation=UUID(place["instance_id"]),
            subject=UUID(place["subject_id"]),
        )


@pytest.mark.parametrize("section", [name for name in VECTORS if name != "format"])
def test_every_vector_names_what_must_happen(section: str) -> None:
    expected = [each.get("expected", "good") for each in VECTORS[section]]
    assert "good" in expected
    assert all(expected)
    if section not in ("keyed_ids", "intake_journals"):  # computed or written only: never opened
        assert len(set(expected)) >= 5


@_each("evidence")
def test_evidence(vector: Vector) -> None:
    fields = vector["place"]
    place = RecordPlace(
        UUID(fields["instance_id"]),
        UUID(fields["subject_id"]),
        fields["retention_class"],
        fields["generation"],
        UUID(fields["record_id"]),
    )
    key, body = _bytes(vector, "key"), _bytes(vector, "body")
    if vector["expected"] == "good":
        plaintext = _bytes(vector, "plaintext")
        assert formats.open_blob(key=key, place=place, body=body) == plaintext
        nonce = body[formats.HEADER_SIZE :][: formats.NONCE_SIZE]
        assert formats._seal_blob(key, place, plaintext, nonce) == body
        return
    with pytest.raises(Unreadable):
        formats.open_blob(key=key, place=place, body=body)


@pytest.mark.parametrize("rev", [0, 1, 0xC4])
def test_evidence_does_not_open_as_a_blob(rev: int) -> None:
    vector = VECTORS["evidence"][0]
    fields = vector["place"]
    place = BlobPlace(UUID(fields["instance_id"]), UUID(fields["subject_id"]), 3, 1, rev)
    with pytest.raises(Unreadable):
        formats.open_blob(key=_bytes(vector, "key"), place=place, body=_bytes(vector, "body"))


@_each("sealing_keys")
def test_wrapped_sealing_keys(vector: Vector) -> None:
    def unwrap() -> bytes:
        return formats.unwrap_sealing_key(
            kek=_bytes(vector, "kek"),
            instance_id=UUID(vector["instance_id"]),
            seal_key=vector["seal_key"],
            wrapped=_bytes(vector, "wrapped"),
        )

    if vector["expected"] == "good":
        assert unwrap() == _bytes(vector, "private")
        return
    with pytest.raises(Unreadable):
        unwrap()


@_each("rings")
def test_key_rings(vector: Vector, tmp_path: Path) -> None:
    for name, text in vector["files"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    ring = LocalKeyRing(tmp_path)
    if vector["expected"] == "good":
        assert {str(n): ring.kek(n).hex() for n in ring.epochs()} == vector["keks"]
        labels = vector["derived"]
        assert {label: ring.derived(label).hex() for label in labels} == labels
        for epoch, of_epoch in vector.get("index_derived", {}).items():
            made = {label: ring.derived(label, index_epoch=int(epoch)).hex() for label in of_epoch}
            assert made == of_epoch
        keys = vector.get("fingerprints", {"1": ring.derived("fingerprint|1").hex()})
        assert {str(n): ring.fingerprint_key(n).hex() for n in ring.fingerprint_epochs()} == keys
        return
    with pytest.raises(KeysMissing):
        ring.kek(1)


@_each("tokens")
def test_tokens_and_fingerprints(vector: Vector) -> None:
    kind = TokenKind[vector["kind"].upper()]
    normalise = indexes.normalise_email if kind == TokenKind.EMAIL else indexes.normalise_phone
    if vector["expected"] != "good":
        with pytest.raises(InvalidAddress):
            normalise(vector["typed"])
        return
    normalised = normalise(vector["typed"])
    assert normalised == vector["normalised"]
    key = _bytes(vector, "key")
    token = indexes.index_token(key=key, kind=kind, normalised=normalised)
    assert token == vector["token"]
    exact = indexes.fingerprint(key=key, kind=kind, normalised=normalised)
    assert exact == _bytes(vector, "fingerprint")
    widened = indexes.widen_email(normalised) if kind == TokenKind.EMAIL else normalised
    wide = indexes.fingerprint(key=key, kind=kind, normalised=widened)
    assert wide == _bytes(vector, "wide")


@_each("envelopes")
def test_sealed_envelopes(vector: Vector) -> None:
    def open_it() -> bytes:
        return sealing.open_sealed(
            private_key=X25519PrivateKey.from_private_bytes(_bytes(vector, "private")),
            sealed=_bytes(vector, "sealed"),
            kind=vector["kind"],
            instance_id=UUID(vector["instance_id"]),
            envelope_id=UUID(vector["envelope_id"]),
            context=vector["context"],
            seal_key=vector["seal_key"],
        )

    if vector["expected"] == "good":
        assert open_it() == _bytes(vector, "plaintext")
        return
    with pytest.raises(Unreadable):
        open_it()


@_each("links")
def test_link_tokens(vector: Vector) -> None:
    keys = {int(number): bytes.fromhex(key) for number, key in vector["keys"].items()}
    scope, token = vector["scope"], vector["token"]
    if vector["expected"] == "good":
        link = Link(UUID(vector["card"]), vector["purpose"], _bytes(vector, "fingerprint"), 2)
        assert links.read_token(keys=keys, scope=scope, token=token) == link
        assert links.make_token(key=keys[2], key_id=2, scope=scope, link=link) == token
        assert links.unverified_card(token) == link.card_id
        return
    with pytest.raises(NotOurLink):
        links.read_token(keys=keys, scope=scope, token=token)


@_each("measure_links")
def test_tokens_of_measured_messages(vector: Vector) -> None:
    keys = {int(number): bytes.fromhex(key) for number, key in vector["keys"].items()}
    scope, token = vector["scope"], vector["token"]
    if vector["expected"] == "good":
        link = MeasureLink(UUID(vector["card"]), vector["delivery"], UUID(vector["link"]))
        assert links.read_measure_token(keys=keys, scope=scope, token=token) == link
        assert links.make_measure_token(key=keys[2], key_id=2, scope=scope, link=link) == token
        assert links.unverified_measure(token) == link
        assert not links.has_token_shape(token)  # no page on which a person decides takes it
        return
    with pytest.raises(NotOurLink):
        links.read_measure_token(keys=keys, scope=scope, token=token)


@_each("keyed_ids")
def test_keyed_ids(vector: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    key = _bytes(vector, "key")
    monkeypatch.setattr(services, "derived_key", {"id|1": key}.__getitem__)
    parts = [bytes.fromhex(part) for part in vector["parts"]]
    found = services.keyed_id(scope=vector["scope"], parts=parts)
    assert found == _bytes(vector, "keyed_id")


@_each("journals")
def test_journals(vector: Vector, tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_bytes(_bytes(vector, "content"))
    if vector["expected"] == "good":
        head = Journal(tmp_path).head()
        assert (head.seq, head.hash) == (vector["seq"], _bytes(vector, "head"))
        return
    failure = JournalUnreachable if vector["expected"] == "not_founded" else JournalBroken
    with pytest.raises(failure):
        Journal(tmp_path).head()


def test_the_journal_is_written_as_the_page_says(tmp_path: Path) -> None:
    content = _bytes(VECTORS["journals"][0], "content")
    read = tmp_path / "read"
    read.mkdir()
    (read / "journal.log").write_bytes(content)
    ours = Journal(tmp_path)
    for event in Journal(read).events(after=-1):
        ours.append(event.kind, event.subject_id, event.fields, event.at)
    assert ours.path.read_bytes() == content


@_each("intake_journals")
def test_the_intake_journal_is_written_as_the_page_says(
    vector: Vector, settings: Settings, tmp_path: Path
) -> None:
    settings.INTAKE_JOURNAL_DIR = tmp_path
    row = Envelope(
        id=UUID(vector["envelope_id"]),
        kind=vector["kind"],
        context=vector["context"],
        seal_key=vector["seal_key"],
        sealed=_bytes(vector, "sealed"),
    )
    envelopes._append_intake_journal(row, datetime.fromisoformat(vector["at"]))
    assert (tmp_path / vector["file"]).read_bytes() == _bytes(vector, "content")
