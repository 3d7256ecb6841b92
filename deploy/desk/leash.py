"""Ties a child to the desk: `python -m deploy.desk.leash <command>` becomes that command.

A desk that is killed (-9) cannot stop its children. On Linux the kernel then sends them SIGTERM;
elsewhere they go on, and the next desk says which port is in use.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    if sys.platform == "linux":
        before = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != before:  # the desk died before the leash was tied
            raise SystemExit(1)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 (no shell: meant)


if __name__ == "__main__":
    main()
