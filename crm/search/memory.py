"""Keeps what this process holds in memory: not in swap, not in a core dump, not for a debugger."""

import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

# <linux/mman.h>, <linux/prctl.h>, <linux/capability.h>.
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
PR_SET_DUMPABLE = 4
CAP_IPC_LOCK = 14


class NotLocked(Exception):
    """The memory cannot be locked, and ACCORD_SEARCH_LOCK says that it must be."""


@dataclass(frozen=True)
class Memory:
    """What the kernel says of this process, in bytes."""

    resident: int
    locked: int
    swapped: int


def forbid_dumps() -> None:
    """No core file, no reading by another process of the same user; safe to repeat."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A core_pattern that pipes to a program does not ask RLIMIT_CORE: this it asks (core(5)).
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def lock_memory() -> bool:
    """Lock what is there and what will come; return whether that holds.

    A limit that is not infinite would let a later allocation fail: then nothing is locked.
    """
    if sys.platform != "linux" or not _may_lock_everything():
        return False
    # As pages are touched: the unused part of a thread's stack needs no memory.
    flags = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT
    return bool(ctypes.CDLL(None, use_errno=True).mlockall(flags) == 0)


def _may_lock_everything() -> bool:
    _soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        return True
    return bool(_status().get("CapEff", 0) >> CAP_IPC_LOCK & 1)


def memory() -> Memory:
    """Return what this process takes now; zeros where there is no /proc."""
    found = _status()
    return Memory(*(found.get(name, 0) * 1024 for name in ("VmRSS", "VmLck", "VmSwap")))


def _status() -> dict[str, int]:
    path = Path("/proc") / str(os.getpid()) / "status"
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    numbers = {name: rest.split() for name, rest in pairs}
    return {
        name: int(numbers[name][0], 16 if name.startswith("Cap") else 10)
        for name in ("VmRSS", "VmLck", "VmSwap", "CapEff")
        if numbers.get(name)
    }
