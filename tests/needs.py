"""What the tests need from Debian: installed when we may, else named in one clear line.

`python -m tests.needs` before the suite. What is missing afterwards is left out loudly by the
suite itself, and fails it when CI=true.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys.browser import NEEDED, find_chromium

REDIS = "The journey on Redis needs its server: apt-get install redis-server"
# Without what they recommend: wireguard-tools recommends a kernel.
NETWORK = (
    "The network of real hosts needs root, and: apt-get install --no-install-recommends "
    "iproute2 nftables nginx-light postgresql wireguard-go wireguard-tools"
)
POSTFIX = (
    "What a relay knows of a message is asked of a real Postfix, as root: apt-get install postfix"
)
SPAM = "The look before a launch is tested with a filter: apt-get install spamassassin"
IMAP = "A mailbox on a real IMAP server needs it: apt-get install dovecot-imapd"
POLICY = Path("/usr/sbin/policy-rc.d")


def find_dovecot() -> str | None:
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")


def _postgres() -> str | None:
    return next((str(p) for p in Path("/usr/lib/postgresql").glob("*/bin/postgres")), None)


# Debian's package -> whether it is there, and what is left out without it.
_NEEDS: dict[str, tuple[Callable[[], str | None], str]] = {
    "chromium": (find_chromium, NEEDED),
    "redis-server": (lambda: shutil.which("redis-server"), REDIS),
    "dovecot-imapd": (find_dovecot, IMAP),
    "iproute2": (lambda: shutil.which("ip"), NETWORK),
    "nftables": (lambda: shutil.which("nft"), NETWORK),
    "nginx-light": (lambda: shutil.which("nginx"), NETWORK),
    # The wheel's PostgreSQL is built without TLS.
    "postgresql": (_postgres, NETWORK),
    "wireguard-go": (lambda: shutil.which("wireguard-go"), NETWORK),
    "postfix": (lambda: shutil.which("postfix", path="/usr/sbin"), POSTFIX),
    "spamassassin": (lambda: shutil.which("spamassassin"), SPAM),
    "wireguard-tools": (lambda: shutil.which("wg-quick"), NETWORK),
}


def _missing() -> list[str]:
    return [package for package, (find, _sentence) in _NEEDS.items() if find() is None]


def _install(packages: list[str]) -> None:
    print(f"Installing from Debian: {', '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    with _nothing_started():
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(
                command,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode != 0:
                return


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Debian starts a server that it installs, unless a policy says no (invoke-rc.d(8)).

    Only the programs are wanted: a server on port 80 or 5432 of this machine is not.
    """
    if POLICY.exists():  # somebody decides already
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def main() -> int:
    if (wanted := _missing()) and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(wanted)
    left_out = _missing()
    for sentence in dict.fromkeys(_NEEDS[package][1] for package in left_out):
        print(f"LEFT OUT: {sentence}", flush=True)
    return 1 if left_out and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
