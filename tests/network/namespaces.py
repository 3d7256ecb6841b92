"""Hosts of a network of our own: namespaces of the kernel, joined by virtual cables."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import NETWORK

PROGRAMS = ("ip", "nft", "nginx", "wg", "wg-quick", "wireguard-go")
TUN = Path("/dev/net/tun")
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000  # sched.h
_OURS = re.compile(r"accord(\d+)-[a-z]+")


def what_is_missing() -> str | None:
    """Return why there can be no network here, or None."""
    if os.geteuid() != 0:
        return f"{NETWORK} (and root)"
    if lacking := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{NETWORK} ({', '.join(lacking)})"
    if postgres_with_tls() is None:
        return f"{NETWORK} (PostgreSQL with TLS)"
    return _what_the_kernel_refuses()


def postgres_with_tls() -> Path | None:
    """Debian's PostgreSQL: the wheel's is built without TLS."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((p.parent for p in found), key=lambda p: int(p.parent.name), default=None)


def _what_the_kernel_refuses() -> str | None:
    name = f"accord{os.getpid()}-trial"
    try:
        if not TUN.exists():
            TUN.parent.mkdir(exist_ok=True)
            os.mknod(TUN, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
        os.close(os.open(TUN, os.O_RDWR))
        run("ip", "netns", "add", name)
        try:
            run("ip", "netns", "exec", name, "nft", "add", "table", "inet", "trial")
        finally:
            run("ip", "netns", "del", name)
    except (OSError, subprocess.CalledProcessError) as refused:
        return f"The network of namespaces needs a kernel that allows it: {refused}"
    return None


def run(*command: str) -> str:
    """Run a command to its end; raises CalledProcessError, its words in the notes."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command)
        error.add_note(done.stderr[-2000:])
        raise error
    return done.stdout


class Namespaces:
    """The hosts of one run, found again by name: two runs side by side do not meet."""

    def __init__(self) -> None:
        self._prefix = f"accord{os.getpid()}"
        self.tag = f"{os.getpid()}"
        remove_stale()

    def name(self, host: str) -> str:
        return f"{self._prefix}-{host}"

    def add(self, host: str) -> None:
        run("ip", "netns", "add", self.name(host))
        self.ip(host, "link", "set", "lo", "up")

    def ip(self, host: str, *words: str) -> str:
        return run("ip", "-n", self.name(host), *words)

    def run(self, host: str, *command: str) -> str:
        with self.inside(host):
            return run(*command)

    def bridge(self, host: str, port: str, *addresses: str) -> None:
        """A switch that stands in a host, which has these addresses on it."""
        self.ip(host, "link", "add", port, "type", "bridge")
        self._dress(host, port, addresses)

    def cable(self, host: str, port: str, *addresses: str, into: str, switch: str = "") -> None:
        """Join a host to another one, or to the switch in it."""
        other = f"{port}-{host}"[:15]
        near, far = self.name(host), self.name(into)
        run("ip", "link", "add", port, "netns", near, "type", "veth", "peer", "name", other,
            "netns", far)  # fmt: skip
        if switch:
            self.ip(into, "link", "set", other, "master", switch)
        self.ip(into, "link", "set", other, "up")
        self._dress(host, port, addresses)

    def _dress(self, host: str, port: str, addresses: tuple[str, ...]) -> None:
        for address in addresses:
            quick = ["nodad"] if ":" in address else []
            self.ip(host, "addr", "add", address, "dev", port, *quick)
        self.ip(host, "link", "set", port, "up")

    @contextmanager
    def inside(self, host: str) -> Iterator[None]:
        """This thread, and whatever it starts meanwhile, on that host."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            Path("/run/netns", self.name(host)).open("rb") as there,
        ):
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def remove(self) -> None:
        _remove(self._prefix)


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove_stale() -> None:
    """Take away what a run left behind that was killed."""
    for name in _present():
        found = _OURS.fullmatch(name)
        if found and not Path("/proc", found[1]).exists():
            _remove(name.partition("-")[0])


def _present() -> list[str]:
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _remove(prefix: str) -> None:
    names = [name for name in _present() if name.partition("-")[0] == prefix]
    for name in names:
        for pid in run("ip", "netns", "pids", name).split():
            _end(int(pid))
        run("ip", "netns", "del", name)


def _end(pid: int) -> None:
    """Kill, and wait until it is gone: a tunnel's process takes its socket with it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 3
        while _is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[0] != "Z"
