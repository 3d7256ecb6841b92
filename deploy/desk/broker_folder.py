"""Keeps the folder of the filesystem broker small: bells that nobody may answer any more go.

A worker discards expired bells when it reads them. While it is busy for long, or away, nobody
reads, and beat goes on ringing.
"""

import json
from datetime import datetime
from pathlib import Path


def remove_expired(folder: Path, *, now: datetime) -> int:
    """Remove the messages whose `expires` is past and return how many; calling twice is safe.

    A message without `expires` is kept. The worker may take a message at the same moment: kombu
    skips what it cannot move.
    """
    if not folder.is_dir():
        return 0
    expired = [path for path in folder.glob("*.msg") if _is_expired(path, now)]
    for path in expired:
        path.unlink(missing_ok=True)
    return len(expired)


def _is_expired(path: Path, now: datetime) -> bool:
    try:
        expires = json.loads(path.read_bytes())["headers"].get("expires")
    except (FileNotFoundError, ValueError, KeyError):  # taken already, or only half written
        return False
    return expires is not None and datetime.fromisoformat(expires) < now
