"""Signed heads are those of C2SP: a real one opens, an altered one does not."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from privacy.transparency.merkle import EMPTY_ROOT, leaf_hash
from privacy.transparency.notes import Head, NotAKey, NotSigned, Signer, read_verifier

# The key of the Go checksum database, and one of its heads: made by others, in this format.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_ORIGIN = "go.sum database tree"
GO_NOTE = (
    "go.sum database tree\n63096908\n8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=\n\n"
    "— sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAX"
    "BVHzT/P6fYhqAmAk=\n"
)
SIGNER = Signer(name="log.example/one", seed=bytes(range(32)))
HEAD = Head("log.example/one", 42, leaf_hash(b"root"))


def test_a_head_of_a_public_log_opens() -> None:
    head = read_verifier(GO_KEY).open(GO_NOTE, origin=GO_ORIGIN)
    assert (head.origin, head.size) == (GO_ORIGIN, 63096908)


def test_the_string_of_a_key_reads_back() -> None:
    assert str(read_verifier(GO_KEY)) == GO_KEY
    assert read_verifier(str(SIGNER.verifier)) == SIGNER.verifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        GO_KEY.replace("033de0ae", "033de0af"),
        GO_KEY.replace("Ac4z", "Ac4y"),
        GO_KEY.replace("+Ac4z", "+Bc4z"),
        GO_KEY[:-4],
        "two words" + GO_KEY.removeprefix("sum.golang.org"),
    ],
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(NotAKey):
        read_verifier(text)


def test_what_was_signed_opens_and_is_always_the_same() -> None:
    note = SIGNER.sign(HEAD)
    assert SIGNER.verifier.open(note) == HEAD
    assert SIGNER.sign(HEAD) == note
    assert note.startswith("log.example/one\n42\n")
    empty = Head("log.example/one", 0, EMPTY_ROOT)
    assert SIGNER.verifier.open(SIGNER.sign(empty)) == empty


def test_the_private_half_is_not_in_its_repr() -> None:
    assert repr(SIGNER) == "Signer('log.example/one')"


@given(place=st.integers(0, len(SIGNER.sign(HEAD)) - 1), letter=st.sampled_from("A0\n +—\0é"))
def test_no_altered_note_opens(place: int, letter: str) -> None:
    note = SIGNER.sign(HEAD)
    altered = note[:place] + letter + note[place + 1 :]
    if altered != note:
        with pytest.raises(NotSigned):
            SIGNER.verifier.open(altered)


def test_a_head_of_another_name_or_key_is_not_ours() -> None:
    stranger = Signer(name="log.example/one", seed=bytes(32))
    with pytest.raises(NotSigned):
        SIGNER.verifier.open(stranger.sign(HEAD))
    with pytest.raises(NotSigned):
        SIGNER.verifier.open(SIGNER.sign(Head("log.example/two", 42, HEAD.root)))


def test_signatures_of_others_beside_ours_are_left_alone() -> None:
    witness = Signer(name="witness.example", seed=bytes(32))
    line = witness.sign(HEAD).rpartition("\n\n")[2]
    assert SIGNER.verifier.open(SIGNER.sign(HEAD) + line) == HEAD


@pytest.mark.parametrize("text", ["042", "+42", " 42", "4_2", "٤٢", "-1"])
def test_a_size_has_one_spelling(text: str) -> None:
    signed = SIGNER.sign(HEAD).replace("\n42\n", f"\n{text}\n")
    with pytest.raises(NotSigned):
        SIGNER.verifier.open(signed)


def test_what_is_attested_can_never_be_taken_for_a_head() -> None:
    message = b"accord-receipt/1\n{}"
    key = Ed25519PublicKey.from_public_bytes(SIGNER.verifier.public_key)
    key.verify(SIGNER.attest(message), message)
    with pytest.raises(ValueError, match="Only a head"):
        SIGNER.attest(HEAD.text().encode())
