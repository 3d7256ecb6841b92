"""The root key in three shares of words, two of which give it back (SLIP-0039).

Only the root is shared out. A key-encryption key is made to die: a share of one, in a safe that
nobody empties, would bring back whoever was erased. The root opens nothing without the living
files of the ring. Words are never logged, kept or quoted in an error.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from privacy.vault.formats import length_prefixed
from privacy.vault.moving import label_of, ring_keys
from privacy.vault.providers.local import LocalProvider, opened_with
from privacy.vault.ring_files import KeysMissing, read

NEEDED, SHARES = 2, 3
WORDS = 33  # of 256 bits: 7 about the share, 26 of its value


class WrongShares(ValueError):
    """These shares do not give a root key; the message says why and quotes no word."""


@dataclass(frozen=True, repr=False)
class ShareSet:
    """Three shares and the name of their set. Without a repr: no share is printed by chance."""

    shares: tuple[str, ...]
    name: str


def make_shares(folder: Path) -> ShareSet:
    """Return three new shares of the ring's root key; any two were tried. Raises KeysMissing.

    Shares of an earlier set go on working: they are of the same root.
    """
    root = LocalProvider(folder).root()
    shares = generate_mnemonics(1, [(NEEDED, SHARES)], root)[0]
    for left_out in range(SHARES):
        pair = [share for number, share in enumerate(shares) if number != left_out]
        if not hmac.compare_digest(combined(pair), root):
            raise WrongShares("The new shares do not give the root key back: nothing was shown.")
    return ShareSet(tuple(shares), set_name(shares[0]))


def set_name(share: str) -> str:
    """Return the name of the set that a share says it is of: a digest, which opens nothing."""
    parts = _read(share, 1).common_parameters()
    text = f"{parts.identifier}|{parts.extendable:d}|{parts.iteration_exponent}".encode()
    return hashlib.sha256(length_prefixed(b"crm/escrow", text)).hexdigest()[:16]


def combined(shares: Sequence[str]) -> bytes:
    """Return the root key that two shares give; raises WrongShares."""
    if len(shares) != NEEDED:
        raise WrongShares(f"{NEEDED} shares are needed, not {len(shares)}.")
    first, second = (_read(share, number) for number, share in enumerate(shares, start=1))
    if first.common_parameters() != second.common_parameters():
        raise WrongShares("The two shares are of different sets.")
    if first.index == second.index:
        raise WrongShares("This is one share twice: the second must be another officer's.")
    try:
        return bytes(combine_mnemonics([_plain(share) for share in shares]))
    except MnemonicError:
        raise WrongShares("The two shares do not fit together.") from None


def gives_living_root(folder: Path, shares: Sequence[str]) -> bool:
    """Return whether two shares give the root of this ring. Raises WrongShares, KeysMissing."""
    return hmac.compare_digest(combined(shares), LocalProvider(folder).root())


def restore_root(folder: Path, shares: Sequence[str]) -> int:
    """Write `root.key` anew from two shares; return how many files of the ring it opens.

    Every file must open first. Raises WrongShares, KeysMissing, FileExistsError when it is there.
    """
    local = LocalProvider(folder)
    if local.exists():
        raise FileExistsError(f"{local.path} is there: nothing to restore.")
    root = combined(shares)
    files = ring_keys(folder)
    if not files:
        raise KeysMissing(f"{folder} has no wrapped keys: put a copy of the ring back first.")
    closed = [path.name for path in files if not _opens(root, path)]
    if len(closed) == len(files):
        raise WrongShares("The shares are of another ring: their root key opens none of its files.")
    if closed:
        raise KeysMissing(f"The root key is right, but these are damaged: {', '.join(closed)}.")
    local.write(root)
    return len(files)


def _opens(root: bytes, path: Path) -> bool:
    try:
        opened_with(root, content=read(path), label=label_of(path))
    except KeysMissing:
        return False
    return True


def _plain(share: str) -> str:
    return " ".join(share.lower().split())


def _read(share: str, number: int) -> Share:
    words = _plain(share).split()
    if unknown := [place for place, word in enumerate(words, start=1) if word not in WORDLIST]:
        places = ", ".join(map(str, unknown))
        raise WrongShares(f"Share {number}: not in the list of words: word {places}.")
    if len(words) != WORDS:
        raise WrongShares(f"Share {number}: it has {len(words)} words instead of {WORDS}.")
    try:
        return Share.from_mnemonic(" ".join(words))
    except MnemonicError:
        raise WrongShares(
            f"Share {number}: a word is another one, or two have changed places."
        ) from None
