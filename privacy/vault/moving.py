"""The ring goes to another provider: every key is wrapped anew, no key changes.

First each file gets the new wrapping beside the old one, then all of them are opened with it, and
only then the old wrappings go, and what they needed. So at every moment one of the two providers
opens every file, and the same command goes on where it stopped.
"""

import hmac
from datetime import datetime
from pathlib import Path

from privacy.vault.providers import LOCAL, TRANSIT, KeyProvider, provider
from privacy.vault.ring_files import (
    Content,
    KeysMissing,
    as_bytes,
    locked,
    read,
    remove_unfinished,
    replace,
)


def move_ring(folder: Path, *, to: str, now: datetime) -> int:
    """Wrap every key of a ring with the provider `to`; return how many files there are.

    Raises KeysMissing when one of the providers cannot; nothing is lost then. Safe to repeat.
    The processes must be stopped: they are to be started with the other provider.
    """
    target = provider(folder, name=to)
    source = provider(folder, name=LOCAL if to == TRANSIT else TRANSIT)
    if not folder.exists():
        raise KeysMissing(f"{folder} has no keys.")
    with locked(folder):
        files = ring_keys(folder)
        if not files or not (source.exists() or target.exists()):
            raise KeysMissing(f"{folder} has no complete ring.")
        target.begin()
        target.complete(now=now)
        for path in files:
            content = read(path)
            if not target.has_wrapped(content=content):
                key = source.unwrap(content=content, label=label_of(path))
                wrapped = target.wrap(stem=path.stem, label=label_of(path), key=key)
                replace(path, as_bytes(content | wrapped))
        for path in files:
            _compare(path, read(path), source, target)
        for path in files:
            content = read(path)
            if source.has_wrapped(content=content):
                replace(path, as_bytes(source.stripped(content=content)))
        remove_unfinished(folder)  # of the old wrappings too nothing may be left
        source.retire()
    return len(files)


def ring_keys(folder: Path) -> list[Path]:
    """Return the files of a ring that hold a wrapped key."""
    return sorted(path for path in folder.glob("*.json") if path.name != "transit.json")


def label_of(path: Path) -> str:
    """Return the label that a file of the ring must have: `kek-7` for `kek-000007.json`."""
    kind, dash, number = path.stem.partition("-")
    return f"{kind}-{int(number)}" if dash else kind


def _compare(path: Path, content: Content, source: KeyProvider, target: KeyProvider) -> None:
    key = target.unwrap(content=content, label=label_of(path))
    if source.has_wrapped(content=content):
        before = source.unwrap(content=content, label=label_of(path))
        if not hmac.compare_digest(key, before):
            raise KeysMissing(f"{path.name} holds two different keys: put a copy back.")
