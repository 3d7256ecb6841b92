"""Looks for values in files of any kind and size: `grep -F` with every needle at once."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_BYTEA = re.compile(rb"\\\\?x((?:[0-9a-f]{2}){4,})")


def search(needles: Mapping[bytes, str], places: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return where each of `needles` stands, with what it is; folders are read to the bottom."""
    present = [str(place) for place in places if place.exists()]
    if not present:
        raise FileNotFoundError("There is nothing to search.")
    with tempfile.NamedTemporaryFile(prefix="needles-") as patterns:
        patterns.write(b"\n".join(needles))
        patterns.flush()
        command = ["grep", "-rFaoHZ", "-f", patterns.name, "--", *present]
        done = subprocess.run(
            command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    # A file that went away meanwhile is none; everything else that grep complains of is wrong.
    complaints = [each for each in done.stderr.splitlines() if b"No such file" not in each]
    if complaints or done.returncode > 2:
        raise RuntimeError(done.stderr.decode())
    return sorted(set(_read(done.stdout, needles)))


def _read(output: bytes, needles: Mapping[bytes, str]) -> Iterator[tuple[Path, str]]:
    for line in output.split(b"\n")[:-1]:
        path, _end, match = line.partition(b"\0")
        yield Path(os.fsdecode(path)), needles[match]


def unpacked(dump: bytes) -> bytes:
    """Return the content of every bytea of a plain dump, which writes them in hexadecimal."""
    return b"\n".join(bytes.fromhex(match[1].decode()) for match in _BYTEA.finditer(dump))
