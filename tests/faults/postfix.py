"""A real Postfix of its own: queue, log and configuration in a folder, on a loopback port."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded.postgres import free_port, is_free

NEEDED = "The doubts of a relay need root and Postfix: apt-get install postfix"
_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
default_transport = {transport}
smtpd_timeout = 3s
smtpd_client_connection_count_limit = 0
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


def is_there() -> bool:
    return os.geteuid() == 0 and Path("/usr/lib/postfix/sbin/master").exists()


def required() -> None:
    """Leave the test out loudly; where CI=true, fail it."""
    if is_there():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(NEEDED)
    pytest.skip(NEEDED)


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder through which other users walk: pytest's own are for its user alone."""
    with tempfile.TemporaryDirectory(prefix=f"accord-{name}-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


class Postfix:
    """`transport` is where everything goes: `discard` (delivered at once), or `error:later`."""

    def __init__(self, home: Path, *, transport: str = "discard") -> None:
        self.home = home
        self.port = free_port()
        for folder in ("queue", "data", "conf"):
            (home / folder).mkdir(parents=True)
        shutil.chown(home / "data", "postfix")
        values = {"home": home, "port": self.port, "transport": transport}
        (self.config / "main.cf").write_text(_MAIN.format(**values), encoding="utf-8")
        (self.config / "master.cf").write_text(_MASTER.format(**values), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.home / "conf"

    @property
    def log(self) -> Path:
        return self.home / "mail.log"

    def start(self) -> None:
        self._do("start")
        deadline = time.monotonic() + 20
        while is_free(self.port):
            if time.monotonic() > deadline:
                raise AssertionError(self.log.read_text(encoding="utf-8"))
            time.sleep(0.02)

    def stop(self) -> None:
        self._do("stop")

    def kill(self) -> None:
        """Kill -9 the master and all that it started."""
        group = int((self.home / "queue/pid/master.pid").read_text().split()[0])
        os.killpg(os.getpgid(group), signal.SIGKILL)

    def _do(self, verb: str) -> None:
        command = ["/usr/sbin/postfix", "-c", str(self.config), verb]
        # Django's zone is not the machine's, in which a relay writes its log.
        clean = {name: value for name, value in os.environ.items() if name != "TZ"}
        done = subprocess.run(command, env=clean, check=False, capture_output=True, timeout=60)
        if verb == "start" and done.returncode:
            raise AssertionError(done.stderr.decode() + self.log.read_text(encoding="utf-8"))

    def taken(self) -> list[str]:
        """The Message-IDs of everything that ever was in the queue, as its own files say."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        names: dict[str, str] = {}
        found = []
        for line in lines:
            words = line.split("]: ", 1)[-1].split(" ")
            if "cleanup" in line and words[1].startswith("message-id="):
                names[words[0]] = words[1].removeprefix("message-id=")
            elif "/qmgr" in line and words[1].startswith("from=<") and words[0] in names:
                found.append(names.pop(words[0]))
        return found
