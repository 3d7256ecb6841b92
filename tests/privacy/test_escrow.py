"""Two of three officers bring the root key back, and nobody else."""

import itertools
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from shamir_mnemonic import Share
from shamir_mnemonic.wordlist import WORDLIST

from privacy.vault.escrow import (
    ShareSet,
    WrongShares,
    combined,
    gives_living_root,
    make_shares,
    restore_root,
)
from privacy.vault.keyring import LocalKeyRing, key_ring
from privacy.vault.ring_files import KeysMissing
from tests.conftest import NOW

OFFICERS = ["--officer", "A. Martin", "--officer", "B. Petit", "--officer", "C. Roux"]


@pytest.fixture
def ring(tmp_path: Path, settings: Settings) -> Iterator[LocalKeyRing]:
    settings.KEYS_DIR = tmp_path / "keys"
    key_ring.cache_clear()
    made = LocalKeyRing(settings.KEYS_DIR)
    made.found(now=NOW)
    made.add_epoch(now=NOW)
    yield made
    key_ring.cache_clear()


@pytest.fixture
def made(ring: LocalKeyRing) -> ShareSet:
    return make_shares(ring.folder)


def _root(ring: LocalKeyRing) -> Path:
    return ring.folder / "root.key"


def test_any_two_shares_give_the_root_back_and_every_key_opens(
    ring: LocalKeyRing, made: ShareSet
) -> None:
    before = _root(ring).read_bytes(), ring.kek(1), ring.kek(2)
    for pair in itertools.permutations(made.shares, 2):
        _root(ring).unlink()
        assert restore_root(ring.folder, pair) == 3
        fresh = LocalKeyRing(ring.folder)
        assert (_root(ring).read_bytes(), fresh.kek(1), fresh.kek(2)) == before
        assert _root(ring).stat().st_mode & 0o777 == 0o600


def test_one_share_tells_nothing_of_the_root(ring: LocalKeyRing) -> None:
    """A share of another root with the same words at the beginning could be this one's."""
    values = {Share.from_mnemonic(make_shares(ring.folder).shares[0]).value for _ in range(5)}
    assert len(values) == 5


def test_a_new_set_gives_the_same_root_and_does_not_mix_with_the_old(
    ring: LocalKeyRing, made: ShareSet
) -> None:
    other = make_shares(ring.folder)
    assert gives_living_root(ring.folder, made.shares[:2])
    assert gives_living_root(ring.folder, other.shares[1:])
    assert made.name != other.name
    with pytest.raises(WrongShares, match="different sets"):
        combined([made.shares[0], other.shares[1]])


def _altered(share: str, **words: str) -> str:
    kept = share.split()
    for place, word in words.items():
        kept[int(place.removeprefix("w")) - 1] = word
    return " ".join(kept)


def test_what_is_wrong_is_said_without_a_word_of_it(made: ShareSet) -> None:
    first, second, _third = made.shares
    another = next(word for word in WORDLIST if word != first.split()[20])
    wrong = {
        "one share twice": [first, first.upper()],
        "2 shares are needed, not 1": [first],
        "2 shares are needed, not 3": list(made.shares),
        "Share 1: not in the list of words: word 3, 9": [
            _altered(first, w3="bonjour", w9="Alice"),
            second,
        ],
        "Share 2: it has 32 words instead of 33": [first, " ".join(second.split()[:-1])],
        "Share 1: a word is another one": [_altered(first, w21=another), second],
        "Share 2: it has 0 words": [first, ""],
    }
    for message, shares in wrong.items():
        with pytest.raises(WrongShares) as raised:
            combined(shares)
        said = str(raised.value)
        assert message in said
        assert not {w for w in said.lower().split() if w in first.split()} - {"share", "another"}
        assert "bonjour" not in said


def test_two_words_that_changed_places_are_noticed(made: ShareSet) -> None:
    words = made.shares[0].split()
    words[10], words[11] = words[11], words[10]
    if words[10] == words[11]:
        words[12], words[13] = words[13], words[12]
    with pytest.raises(WrongShares, match="changed places"):
        combined([" ".join(words), made.shares[1]])


def test_shares_as_people_type_them(made: ShareSet) -> None:
    typed = [f"\n  {share.upper().replace(' ', '   ')}\n" for share in made.shares[:2]]
    assert combined(typed) == combined(made.shares[:2])


def test_a_root_that_is_there_is_never_overwritten(ring: LocalKeyRing, made: ShareSet) -> None:
    before = _root(ring).read_bytes()
    with pytest.raises(FileExistsError):
        restore_root(ring.folder, made.shares[:2])
    assert _root(ring).read_bytes() == before


def test_shares_of_another_ring_restore_nothing(ring: LocalKeyRing, tmp_path: Path) -> None:
    other = LocalKeyRing(tmp_path / "other")
    other.found(now=NOW)
    shares = make_shares(other.folder).shares[:2]
    assert not gives_living_root(ring.folder, shares)
    _root(ring).unlink()
    with pytest.raises(WrongShares, match="another ring"):
        restore_root(ring.folder, shares)
    assert not _root(ring).exists()


def test_a_damaged_file_is_named_and_nothing_is_written(ring: LocalKeyRing, made: ShareSet) -> None:
    _root(ring).unlink()
    (ring.folder / "kek-000002.json").write_text("{}")
    with pytest.raises(KeysMissing, match=r"damaged: kek-000002\.json"):
        restore_root(ring.folder, made.shares[:2])
    assert not _root(ring).exists()


def test_without_the_ring_shares_open_nothing(ring: LocalKeyRing, made: ShareSet) -> None:
    for path in ring.folder.iterdir():
        path.unlink()
    with pytest.raises(KeysMissing, match="no wrapped keys"):
        restore_root(ring.folder, made.shares[:2])


# --- the command -----------------------------------------------------------------------------


def _call(*arguments: object) -> str:
    out = StringIO()
    call_command("keys", "escrow", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_makes_files_keeps_nothing_and_restores(
    ring: LocalKeyRing, tmp_path: Path
) -> None:
    out = _call("make", *OFFICERS, "--folder", tmp_path / "shares")
    files = sorted((tmp_path / "shares").iterdir())
    assert [path.name for path in files] == ["share-1.txt", "share-2.txt", "share-3.txt"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    [attested] = (ring.folder / "escrow").iterdir()
    said = json.loads(attested.read_text())
    assert said["officers"] == OFFICERS[1::2]
    assert said["set"] in out
    kept = [p for p in ring.folder.rglob("*") if p.is_file()]
    for words in (path.read_text().split() for path in files):
        for text in [out, *(path.read_text() for path in kept)]:
            assert " ".join(words[5:9]) not in text
    two = ["--share", files[0], "--share", files[2]]
    assert "These shares give the root key of this ring." in _call("check", *two)
    _root(ring).unlink()
    assert "it opens all 3 keys" in _call("restore", *two)
    with pytest.raises(CommandError, match="one share twice"):
        _call("check", "--share", files[0], "--share", files[0])


def test_another_root_is_said(ring: LocalKeyRing, tmp_path: Path) -> None:
    other = LocalKeyRing(tmp_path / "other")
    other.found(now=NOW)
    for number, share in enumerate(make_shares(other.folder).shares[:2]):
        (tmp_path / str(number)).write_text(share)
    with pytest.raises(CommandError, match="another root key"):
        _call("check", "--share", tmp_path / "0", "--share", tmp_path / "1")


def test_shares_are_never_written_beside_the_keys_nor_into_a_pipe(ring: LocalKeyRing) -> None:
    with pytest.raises(CommandError, match="beside the keys"):
        _call("make", *OFFICERS, "--folder", ring.folder / "shares")
    with pytest.raises(CommandError, match="on a terminal"):
        _call("make", *OFFICERS)
    with pytest.raises(CommandError, match="3 different officers"):
        _call("make", *OFFICERS[:4], *OFFICERS[:2])
    with pytest.raises(CommandError, match="at a terminal"):
        _call("check")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_each_share_is_cleared_before_the_next(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, asked = Terminal(), []

    def answer(question: str) -> str:
        asked.append(question)
        return ""

    monkeypatch.setattr("builtins.input", answer)
    call_command("keys", "escrow", "make", *OFFICERS, stdout=screen)
    parts = screen.getvalue().split("\x1b[3J")
    assert len(asked) == 6
    shown = [part for part in parts if " 1 " in part]
    assert [sum(name in part for part in shown) for name in OFFICERS[1::2]] == [1, 1, 1]
    assert " 1 " not in parts[-1]
    typed = iter([" ".join(_words(part)) for part in shown[:2]])
    monkeypatch.setattr("builtins.input", lambda _question: next(typed))
    again = Terminal()
    call_command("keys", "escrow", "check", stdout=again)
    assert "These shares give the root key" in again.getvalue()


def _words(part: str) -> list[str]:
    """The 33 words of a screen, by their numbers."""
    cells = part.split()
    return [cells[cells.index(str(number), number) + 1] for number in range(1, 34)]


def test_a_key_server_has_an_escrow_of_its_own(ring: LocalKeyRing, settings: Settings) -> None:
    settings.KEY_PROVIDER = "transit"
    key_ring.cache_clear()
    with pytest.raises(CommandError, match="recovery keys"):
        _call("make", *OFFICERS)


def test_the_words_are_those_of_the_standard() -> None:
    assert (len(WORDLIST), WORDLIST[0], WORDLIST[-1]) == (1024, "academic", "zero")
