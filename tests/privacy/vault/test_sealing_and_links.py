"""Envelopes open in their own place only; links say no for ever and open nothing else."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from privacy.vault import links, sealing
from privacy.vault.formats import Unreadable
from privacy.vault.links import Link, MeasureLink, NotOurLink

PRIVATE = X25519PrivateKey.generate()
PLACE: dict[str, Any] = {
    "kind": "lead",
    "instance_id": uuid.UUID(int=1),
    "envelope_id": uuid.UUID(int=2),
    "context": "contact",
    "seal_key": 20261123,
}


def _seal(plaintext: bytes) -> bytes:
    return sealing.seal(public_key=PRIVATE.public_key(), plaintext=plaintext, **PLACE)


@pytest.mark.parametrize("size", [0, 2, 15, 16, 600, 16_384 - sealing.OVERHEAD])
def test_what_the_public_side_seals_the_worker_opens(size: int) -> None:
    plaintext = b"x" * size
    sealed = _seal(plaintext)
    assert sealing.SEALED_MIN <= len(sealed) <= sealing.SEALED_MAX
    opened = sealing.open_sealed(private_key=PRIVATE, sealed=sealed, **PLACE)
    assert opened.rstrip(b" ") == plaintext


def test_one_byte_too_many_is_refused() -> None:
    with pytest.raises(sealing.TooLarge):
        _seal(b"x" * (16_384 - sealing.OVERHEAD + 1))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "decision"},
        {"instance_id": uuid.UUID(int=9)},
        {"envelope_id": uuid.UUID(int=9)},
        {"context": "other-form"},
        {"seal_key": 20261124},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_envelope_moved_elsewhere_does_not_open(change: dict[str, Any]) -> None:
    sealed = _seal(b"{}")
    with pytest.raises(Unreadable):
        sealing.open_sealed(private_key=PRIVATE, sealed=sealed, **{**PLACE, **change})


@given(st.data())
def test_no_bit_of_an_envelope_may_flip(data: st.DataObject) -> None:
    sealed = bytearray(_seal(b'{"email": "alice@example.org"}'))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    # RFC 7748 5: the top bit of an X25519 value is masked by whoever reads it. HPKE binds the
    # encapsulated key into its context, so even that bit must not pass.
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(Unreadable):
        sealing.open_sealed(private_key=PRIVATE, sealed=bytes(sealed), **PLACE)


@pytest.mark.parametrize("sealed", [b"", b"\x01" * 63, b"\x01" * 64, b"\x01" + bytes(100)])
def test_rubbish_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        sealing.open_sealed(private_key=PRIVATE, sealed=sealed, **PLACE)


KEYS = {1: bytes(range(32)), 2: bytes(reversed(range(32)))}
LINK = Link(uuid.UUID(int=5), 3, bytes(range(16)))


def _token(scope: str = "no", key_id: int = 2) -> str:
    return links.make_token(key=KEYS[key_id], key_id=key_id, scope=scope, link=LINK)


@pytest.mark.parametrize("key_id", [1, 2])
def test_a_token_is_read_under_the_key_it_names(key_id: int) -> None:
    token = _token(key_id=key_id)
    assert links.read_token(keys=KEYS, scope="no", token=token) == replace(LINK, epoch=key_id)
    assert links.has_token_shape(token)
    assert len(token) == links.TEXT_SIZE


def test_a_token_to_say_no_opens_nothing_else() -> None:
    with pytest.raises(NotOurLink):
        links.read_token(keys=KEYS, scope="access", token=_token())


def test_a_token_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(NotOurLink):
        links.read_token(keys={1: KEYS[1]}, scope="no", token=_token())


@given(st.data())
def test_no_letter_of_a_token_may_change(data: st.DataObject) -> None:
    token = _token()
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz0189-_").filter(lambda c: c != token[at]))
    with pytest.raises(NotOurLink):
        links.read_token(keys=KEYS, scope="no", token=token[:at] + letter + token[at + 1 :])


@given(st.data())
def test_no_letter_of_a_measured_messages_token_may_change(data: st.DataObject) -> None:
    link = MeasureLink(uuid.UUID(int=5), 4711, uuid.UUID(int=6))
    token = links.make_measure_token(key=KEYS[2], key_id=2, scope="open", link=link)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz0189-_").filter(lambda c: c != token[at]))
    changed = token[:at] + letter + token[at + 1 :]
    with pytest.raises(NotOurLink):
        links.read_measure_token(keys=KEYS, scope="open", token=changed)
    with pytest.raises(NotOurLink):
        links.read_token(keys=KEYS, scope="open", token=token)


@given(st.text(max_size=90))
def test_whatever_arrives_as_a_token_is_answered(text: str) -> None:
    assert not links.has_token_shape(text)


@pytest.mark.parametrize("change", [lambda t: t + "=", lambda t: t[:-1], lambda t: t + "A"])
def test_another_spelling_is_not_a_token(change: Any) -> None:
    assert not links.has_token_shape(change(_token()))
