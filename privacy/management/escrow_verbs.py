"""`manage.py keys escrow make|check|restore`: the root key in the hands of three officers."""

import getpass
import json
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.vault.escrow import (
    NEEDED,
    SHARES,
    ShareSet,
    WrongShares,
    gives_living_root,
    make_shares,
    restore_root,
    set_name,
)
from privacy.vault.keyring import key_ring
from privacy.vault.providers import TRANSIT
from privacy.vault.ring_files import KeysMissing, as_bytes, write_once

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"  # the screen, and what was scrolled away
_SERVERS_OWN = (
    "A key server wraps this ring, so there is no root key here to share out. Its officers hold"
    " the shares: unseal keys, or recovery keys with an auto-unseal (`bao operator init"
    " -key-shares=3 -key-threshold=2`, or -recovery-shares and -recovery-threshold)."
    " docs/key-providers.md says more."
)


def add_verbs(verbs: "_SubParsersAction[Any]") -> None:
    escrow: ArgumentParser = verbs.add_parser("escrow", help="shares of the root key, 2 of 3")
    acts = escrow.add_subparsers(dest="act", required=True)
    make = acts.add_parser("make", help="make three shares, and keep none")
    make.add_argument("--officer", action="append", default=[], help="who gets one; three times")
    make.add_argument("--folder", type=Path, help="write three files instead of showing them")
    for act, words in (
        ("check", "say whether two shares give the root key of this ring"),
        ("restore", "write a lost root.key from two shares"),
    ):
        parser = acts.add_parser(act, help=words)
        parser.add_argument("--share", type=Path, action="append", default=[], help="a file; twice")


def handle(command: BaseCommand, options: dict[str, Any]) -> None:
    if key_ring().provider.name == TRANSIT:
        raise CommandError(_SERVERS_OWN)
    try:
        match options["act"]:
            case "make":
                _make(command, options["officer"], options["folder"])
            case "check":
                _check(command, _given(command, options["share"]))
            case "restore":
                count = restore_root(settings.KEYS_DIR, _given(command, options["share"]))
                command.stdout.write(f"root.key is back: it opens all {count} keys of the ring.")
    except (KeysMissing, WrongShares, OSError) as error:
        raise CommandError(str(error)) from None


def _make(command: BaseCommand, officers: Sequence[str], folder: Path | None) -> None:
    if len(set(officers)) != SHARES:
        raise CommandError(f"Name {SHARES} different officers: --officer NAME, {SHARES} times.")
    if folder is None and not command.stdout.isatty():
        raise CommandError("Shares are shown on a terminal, or written with --folder.")
    made = make_shares(settings.KEYS_DIR)
    if folder is None:
        _show(command, made, officers)
    else:
        _write(command, made, folder)
    path = _attest(made, officers, timezone.now())
    command.stdout.write(f"Set {made.name}: {NEEDED} of {SHARES} shares give the root key.")
    command.stdout.write(f"{path} says when they were made and for whom, and no word of them.")
    command.stdout.write("Now let two officers try: manage.py keys escrow check")


def _show(command: BaseCommand, made: ShareSet, officers: Sequence[str]) -> None:
    try:
        for officer, share in zip(officers, made.shares, strict=True):
            command.stdout.write(f"{_CLEAR}The next share is for {officer}, alone at the screen.")
            input("Enter shows it. ")
            command.stdout.write(_numbered(share))
            input("Written down, and compared word by word? Enter clears the screen. ")
    finally:
        command.stdout.write(_CLEAR)


def _numbered(share: str) -> str:
    cells = [f"{number:>2} {word:<10}" for number, word in enumerate(share.split(), start=1)]
    return "\n".join("  ".join(cells[start : start + 4]) for start in range(0, len(cells), 4))


def _write(command: BaseCommand, made: ShareSet, folder: Path) -> None:
    if folder.resolve().is_relative_to(settings.KEYS_DIR.resolve()):
        raise CommandError("Shares beside the keys would protect nothing: name another folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number, share in enumerate(made.shares, start=1):
        write_once(folder / f"share-{number}.txt", f"{share}\n".encode())
    command.stdout.write(f"Three shares are in {folder}: give each away, and delete the files.")


def _attest(made: ShareSet, officers: Sequence[str], now: datetime) -> Path:
    folder: Path = settings.KEYS_DIR / "escrow"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{now:%Y%m%dT%H%M%S}-{made.name}.json"
    content = {
        "set": made.name,
        "made_at": now.isoformat(),
        "made_by": getpass.getuser(),
        "officers": list(officers),
        "needed": NEEDED,
    }
    write_once(path, as_bytes(content))
    return path


def _given(command: BaseCommand, files: Sequence[Path]) -> list[str]:
    if files:
        return [path.read_text(encoding="utf-8") for path in files]
    if not command.stdout.isatty():
        raise CommandError("Shares are typed at a terminal, or named with --share FILE, twice.")
    try:
        return [input(f"Share {number}, 33 words: ") for number in range(1, NEEDED + 1)]
    finally:
        command.stdout.write(_CLEAR)


def _check(command: BaseCommand, shares: Sequence[str]) -> None:
    is_living = gives_living_root(settings.KEYS_DIR, shares)
    command.stdout.write(f"Set {set_name(shares[0])}, {_attested(set_name(shares[0]))}.")
    if not is_living:
        raise CommandError("These shares give another root key than the one of this ring.")
    command.stdout.write("These shares give the root key of this ring.")


def _attested(name: str) -> str:
    found = sorted((settings.KEYS_DIR / "escrow").glob(f"*-{name}.json"))
    if not found:
        return "which was not made with this ring"
    return f"made at {json.loads(found[-1].read_bytes())['made_at']}"
