"""WireGuard keys, made by WireGuard's own program."""

import os
import subprocess
from pathlib import Path


class KeyExists(RuntimeError):
    """There is a key at that place already: move it away to make another."""


def make_key(path: Path) -> str:
    """Write a new private key (0600) and return its public one; raises KeyExists."""
    key = _wg("genkey")  # first: without the program no empty file stays behind
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyExists(KeyExists.__doc__) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return public_key(path)


def public_key(path: Path) -> str:
    return _wg("pubkey", given=path.read_text(encoding="utf-8")).strip()


def _wg(verb: str, *, given: str | None = None) -> str:
    done = subprocess.run(["wg", verb], input=given, capture_output=True, text=True, check=True)
    return done.stdout
