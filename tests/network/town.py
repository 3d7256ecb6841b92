"""An installation as it stands in production: five hosts, an internet, and a tunnel between.

Everything is real: WireGuard, nginx, nftables, PostgreSQL with TLS, and the processes under their
own roles. All files of the hosts are the ones that `deploy.network` renders from one plan.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg

from crm.accounts.register import NewAccount
from deploy.databases import ZONES
from deploy.embedded.postgres import Cluster
from deploy.network.keys import make_key
from deploy.network.plan import Peer, Plan
from deploy.network.render import render
from tests.journeys.stage import ROOT, wait_for
from tests.network.browsers import Browsers
from tests.network.certificates import Authority
from tests.network.namespaces import Namespaces, run

PUBLIC, STAFF = "forms.accord.example", "crm.accord.example"
ATTACKER, RELAY = "198.51.100.99", "198.51.100.25"
WAN = {"public": "198.51.100.10", "staff": "198.51.100.20", "worker": "198.51.100.30",
       "client": "198.51.100.50"}  # fmt: skip
STAFF_IPV6 = "2001:db8::20"
HUB, CLIENT = "10.77.0.1", "10.77.0.2"
DATABASE, DATABASE_LINK = "10.88.0.1", "10.89.0.1"
INNER = {"staff": "10.88.0.2", "worker": "10.88.0.3"}
LINK = "10.89.0.2"
PORTS = {"public": 8000, "staff": 8001}
# So many may be posted from one network; what a test needs to see the limit.
FORMS_PER_NETWORK = 3

PASSWORDS = {"camille": "correct horse battery staple", "lucie": "staple battery horse correct"}


@dataclass
class Town:
    folder: Path
    hosts: Namespaces
    stack: ExitStack
    plan: Plan = field(init=False)
    cluster: Cluster = field(init=False)
    authority: Authority = field(init=False)
    browsers: Browsers = field(init=False)
    roles: dict[str, str] = field(init=False)
    accounts: dict[str, NewAccount] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def interface(self) -> str:
        return self.plan.tunnel.interface

    def file(self, name: str) -> Path:
        return self.folder / "rendered" / name

    def log(self, name: str) -> str:
        path = self.folder / "logs" / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    # --- processes ------------------------------------------------------------------------

    def start(self, name: str, host: str, command: list[str], environment: dict[str, str]) -> None:
        """Start a process on a host; it ends with the town."""
        with (self.folder / "logs" / f"{name}.log").open("ab") as log, self.hosts.inside(host):
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        self.stack.callback(end, process)

    def stop(self, name: str) -> None:
        end(self.processes.pop(name))

    def start_web(self, name: str) -> None:
        command = [sys.executable, "-m", "gunicorn", "--config", "python:deploy.web_server"]
        command += ["deploy.wsgi", "--threads", "4"]
        command += ["--bind", f"127.0.0.1:{PORTS[name]}", "--no-control-socket"]
        self.start(name, name, command, self.environment(name))

    def wait_for_web(self, name: str) -> None:
        self.wait_for_port(name, "127.0.0.1", PORTS[name])

    def start_nginx(self, name: str) -> None:
        command = ["nginx", "-c", str(self.file(f"{name}/nginx.conf")), "-g", "daemon off;"]
        self.start(f"{name}-nginx", name, command, dict(os.environ))
        self.wait_for_port(name, WAN[name] if name == "public" else HUB, 443)

    def wait_for_port(self, host: str, address: str, port: int) -> None:
        wait_for(partial(self.connects, host, address, port), f"{address}:{port} on {host}")

    def begin_tunnel_anew(self) -> None:
        """What a colleague does whose tunnel hangs; by itself it takes fifteen seconds."""
        path = str(self.folder / f"wg{self.hosts.tag}c.conf")
        for verb in ("down", "up"):
            self.hosts.run("client", "wg-quick", verb, path)

    def peer_config(self, name: str, address: str) -> Path:
        """The hub's file with one more peer, stripped for `wg addconf`."""
        key = make_key(self.folder / "keys" / f"{name}.wg")
        peers = (*self.plan.peers, Peer(name, address, key))
        rendered = render(replace(self.plan, peers=peers), folder=self.folder / name)
        (hub,) = (path for path in rendered if path.name == f"{self.interface}.conf")
        hub.chmod(0o600)
        stripped = self.folder / name / "stripped.conf"
        stripped.write_text(run("wg-quick", "strip", str(hub)), encoding="utf-8")
        return stripped

    def connects(self, host: str, address: str, port: int, *, seconds: float = 1.0) -> bool:
        """Whether a TCP connection from that host comes about."""
        with self.hosts.inside(host):
            try:
                socket.create_connection((address, port), timeout=seconds).close()
            except OSError:
                return False
        return True

    # --- settings -------------------------------------------------------------------------

    def environment(self, process: str) -> dict[str, str]:
        """What the plan rendered for a process, with the addresses of its databases."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        rendered = self.file(f"{process}/accord.env")
        lines = rendered.read_text(encoding="utf-8").split() if rendered.exists() else []
        values = dict(line.split("=", 1) for line in lines) | {"ACCORD_PROCESS": process}
        for zone in ZONES[process]:
            values[f"ACCORD_{zone.upper()}_DSN"] = self.dsn(process, zone)
        return {**clean, **values, **self.settings()}

    def settings(self) -> dict[str, str]:
        return {
            "ACCORD_SECRET_KEY": "only-for-tests-" * 4,
            "ACCORD_HOME": str(self.folder / "home"),
            "ACCORD_FORMS_PER_NETWORK": str(FORMS_PER_NETWORK),
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def dsn(self, process: str, zone: str, *, link: bool = False, tls: str = "verify-full") -> str:
        """The address of a database, with the credentials of a process."""
        role, port = f"accord_{process}", self.plan.database.port
        address = DATABASE_LINK if link or process == "public" else DATABASE
        return (
            f"host={address} port={port} dbname={zone} user={role} password={self.roles[role]} "
            f"sslmode={tls} sslrootcert={self.authority.file} connect_timeout=3"
        )

    def rows(self, process: str, zone: str, statement: str) -> list[tuple[Any, ...]]:
        """Ask a database from the host on which the process runs."""
        with (
            self.hosts.inside(process),
            psycopg.connect(self.dsn(process, zone)) as connection,
        ):
            return connection.execute(statement.encode()).fetchall()

    def browser(self, host: str, url: str, **options: Any) -> httpx.Client:
        return self.browsers.new(host, url, **options)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
