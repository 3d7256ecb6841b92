"""Lines on the terminal: one prefix and colour per process, whole lines only."""

import contextlib
import os
import sys
import threading
from collections import deque
from typing import IO

COLOURS = {"desk": 36, "public": 32, "staff": 34, "worker": 33, "beat": 90, "mail": 35}
_turn = threading.Lock()


def has_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(name: str, line: str = "") -> None:
    """Print one line with its process's name, coloured on a terminal."""
    prefix = f"{name:<7}|"
    if has_colour():
        prefix = f"\033[{COLOURS.get(name, 37)}m{prefix}\033[0m"
    # A terminal that was closed takes no lines; what is running must still be stopped in order.
    with _turn, contextlib.suppress(OSError):
        sys.stdout.write(f"{prefix} {line.rstrip()}\n")
        sys.stdout.flush()


def relay_lines(name: str, stream: IO[str], kept: deque[str]) -> None:
    """Say every line of a child until it closes its output; `kept` remembers the last ones."""
    with stream:
        for line in stream:
            kept.append(line.rstrip())
            say(name, line)
