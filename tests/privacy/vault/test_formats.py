"""Blobs and wrapped keys: known answers, the swap matrix, and everything that must not open."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.vault import formats
from privacy.vault.formats import BlobPlace, KeyPlace, Unreadable

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
KEY = bytes(range(32))
PLACE = BlobPlace(uuid.UUID(int=1), uuid.UUID(int=2), 1, 1, 7)
KEY_PLACE = KeyPlace(uuid.UUID(int=1), uuid.UUID(int=2), 1, 1)
BOB = uuid.UUID(int=3)


def _place(fields: dict[str, Any]) -> dict[str, Any]:
    ids = ("instance_id", "subject_id")
    return {name: uuid.UUID(value) if name in ids else value for name, value in fields.items()}


@pytest.mark.parametrize("vector", VECTORS["blobs"], ids=lambda v: v["name"])
def test_a_blob_vector_opens_or_fails_as_it_names(vector: dict[str, Any]) -> None:
    place = BlobPlace(**_place(vector["place"]))
    key, body = bytes.fromhex(vector["key"]), bytes.fromhex(vector["body"])
    if vector["expected"] == "good":
        assert formats.open_blob(key=key, place=place, body=body).hex() == vector["plaintext"]
        nonce = body[formats.HEADER_SIZE :][: formats.NONCE_SIZE]
        plaintext = bytes.fromhex(vector["plaintext"])
        assert formats._seal_blob(key, place, plaintext, nonce) == body
        return
    with pytest.raises(Unreadable):
        formats.open_blob(key=key, place=place, body=body)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda v: v["name"])
def test_a_key_vector_opens_or_fails_as_it_names(vector: dict[str, Any]) -> None:
    place = KeyPlace(**_place(vector["place"]))
    kek, wrapped = bytes.fromhex(vector["kek"]), bytes.fromhex(vector["wrapped"])
    if vector["expected"] == "good":
        found = formats.unwrap_key(kek=kek, place=place, wrapped=wrapped)
        assert found.hex() == vector["data_key"]
        assert formats._wrap_key(kek, place, found, wrapped[: formats.NONCE_SIZE]) == wrapped
        return
    with pytest.raises(Unreadable):
        formats.unwrap_key(kek=kek, place=place, wrapped=wrapped)


@pytest.mark.parametrize(
    "moved",
    [
        replace(PLACE, subject_id=BOB),
        replace(PLACE, retention_class=3),
        replace(PLACE, rev=6),
        replace(PLACE, rev=8),
        replace(PLACE, generation=2),
        replace(PLACE, instance_id=BOB),
    ],
    ids=["subject", "class", "older revision", "newer revision", "generation", "installation"],
)
def test_a_blob_opens_in_its_own_place_only(moved: BlobPlace) -> None:
    body = formats.seal_blob(key=KEY, place=PLACE, plaintext=b"{}")
    with pytest.raises(Unreadable):
        formats.open_blob(key=KEY, place=moved, body=body)


def test_moving_a_blob_together_with_its_key_does_not_make_alice_of_bob() -> None:
    bob_key = bytes(reversed(KEY))
    wrapped = formats.wrap_key(kek=KEY, place=replace(KEY_PLACE, subject_id=BOB), data_key=bob_key)
    with pytest.raises(Unreadable):  # the key refuses Alice's row ...
        formats.unwrap_key(kek=KEY, place=KEY_PLACE, wrapped=wrapped)
    body = formats.seal_blob(key=bob_key, place=replace(PLACE, subject_id=BOB), plaintext=b"{}")
    with pytest.raises(Unreadable):  # ... and so would the blob under an unwrapped key
        formats.open_blob(key=bob_key, place=PLACE, body=body)


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_and_is_padded(plaintext: bytes) -> None:
    body = formats.seal_blob(key=KEY, place=PLACE, plaintext=plaintext)
    assert formats.open_blob(key=KEY, place=PLACE, body=body) == plaintext
    inside = len(body) - formats.HEADER_SIZE - formats.NONCE_SIZE - formats.TAG_SIZE
    assert inside % 64 == 0
    assert inside >= 256


@given(st.data())
def test_no_single_bit_may_flip(data: st.DataObject) -> None:
    body = bytearray(formats.seal_blob(key=KEY, place=PLACE, plaintext=b"somebody"))
    wrapped = bytearray(formats.wrap_key(kek=KEY, place=KEY_PLACE, data_key=KEY))
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    body[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(Unreadable):
        formats.open_blob(key=KEY, place=PLACE, body=bytes(body))
    bit = data.draw(st.integers(0, len(wrapped) * 8 - 1))
    wrapped[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(Unreadable):
        formats.unwrap_key(kek=KEY, place=KEY_PLACE, wrapped=bytes(wrapped))


@pytest.mark.parametrize("kept", [0, 1, 8, 20, 275, 291])
def test_a_truncated_blob_does_not_open(kept: int) -> None:
    body = formats.seal_blob(key=KEY, place=PLACE, plaintext=b"somebody")
    assert len(body) == 292
    with pytest.raises(Unreadable):
        formats.open_blob(key=KEY, place=PLACE, body=body[:kept])


def test_a_longer_blob_does_not_open() -> None:
    body = formats.seal_blob(key=KEY, place=PLACE, plaintext=b"somebody")
    with pytest.raises(Unreadable):
        formats.open_blob(key=KEY, place=PLACE, body=body + b"\0")


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_boundary_can_be_shifted(one: list[bytes], other: list[bytes]) -> None:
    same = formats.length_prefixed(*one) == formats.length_prefixed(*other)
    assert same == (one == other)


def test_a_nonce_is_never_used_twice() -> None:
    bodies = [formats.seal_blob(key=KEY, place=PLACE, plaintext=b"") for _ in range(2000)]
    assert len({body[8:20] for body in bodies}) == 2000


def test_an_unknown_class_is_not_even_sealed() -> None:
    with pytest.raises(Unreadable):
        formats.seal_blob(key=KEY, place=replace(PLACE, retention_class=4), plaintext=b"")


def test_the_error_says_nothing() -> None:
    with pytest.raises(Unreadable) as caught:
        formats.open_blob(key=KEY, place=PLACE, body=bytes(292))
    assert (str(caught.value), caught.value.__cause__) == ("", None)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_data_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        formats.wrap_key(kek=KEY, place=KEY_PLACE, data_key=bytes(size))
