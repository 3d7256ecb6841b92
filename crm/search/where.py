"""Where the socket is: one path that the search process and the staff process both know."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from django.conf import settings

# sockaddr_un has 108 bytes, one of them for the end (unix(7)).
LONGEST = 107


class NotOurFolder(Exception):
    """The folder of the socket belongs to somebody else, or others may write to it."""


def socket_path() -> Path:
    """Return the path of the socket, below the temporary folder when the home's is too long."""
    if settings.SEARCH_SOCKET:
        return Path(settings.SEARCH_SOCKET)
    usual = Path(settings.HOME) / "run" / "search.sock"
    if len(os.fsencode(usual)) <= LONGEST:
        return usual
    mark = hashlib.sha256(os.fsencode(settings.HOME)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"accord-{os.geteuid()}-{mark}" / "search.sock"


def check_folder(path: Path) -> None:
    """Refuse a folder in which somebody else could put a socket of theirs. Raises NotOurFolder.

    What is typed into the search is sent to whoever listens there.
    """
    found = path.parent.lstat()
    is_ours = found.st_uid == os.geteuid() or bool(settings.SEARCH_GROUP)
    if not stat.S_ISDIR(found.st_mode) or not is_ours or found.st_mode & 0o022:
        raise NotOurFolder(NotOurFolder.__doc__)
