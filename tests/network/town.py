"""An installation as it stands in production: five hosts, an internet, and a tunnel between.

Everything is real: WireGuard, nginx, nftables, PostgreSQL with TLS, and the processes under their
own roles. All files of the hosts are the ones that `deploy.network` renders from one plan.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg

from crm.accounts.register import NewAccount
from crm.accounts.second_factor import Secret
from crm.models import Account
from deploy.databases import ZONES, load_passwords, provision
from deploy.embedded.postgres import Cluster
from deploy.network.keys import make_key
from deploy.network.plan import Plan, read
from deploy.network.render import render
from tests.journeys.stage import ROOT, wait_for
from tests.network.browsers import Browsers
from tests.network.certificates import Authority
from tests.network.namespaces import Namespaces, postgres_with_tls

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

_ACCOUNTS = """
import json, django
django.setup()
from datetime import UTC, datetime
from crm.accounts.register import create_account
from privacy.services import refresh_sealing_key
now = datetime.now(UTC)
refresh_sealing_key(now=now)
made = [
    create_account(username=name, role="marketing", now=now, password=password,
                   with_authenticator=True)
    for name, password in {accounts}.items()
]
print(json.dumps({{each.account.username: each.secret.hexadecimal for each in made}}))
"""
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
        self.stack.callback(_end, process)

    def stop(self, name: str) -> None:
        _end(self.processes.pop(name))

    def start_web(self, name: str) -> None:
        command = [sys.executable, "-m", "gunicorn", "deploy.wsgi", "--threads", "4"]
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
        return {**clean, **values, **self._settings()}

    def _settings(self) -> dict[str, str]:
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


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# --- building ------------------------------------------------------------------------------------


def build(stack: ExitStack) -> Town:
    """Build the town; what `stack` is given takes it down again, also from the middle."""
    folder = Path(tempfile.mkdtemp(prefix="accord-network-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for name in ("logs", "keys", "home/static"):
        (folder / name).mkdir(parents=True)
    hosts = Namespaces()
    stack.callback(hosts.remove)
    town = Town(folder, hosts, stack)
    _lay_cables(hosts)
    _write_plan(town)
    static = _collect_static(town)
    _start_database(town)
    for name in PORTS:
        town.start_web(name)
    _found(town)
    if static.wait(60):
        raise AssertionError("collectstatic failed")
    _open_doors(town)
    return town


def _lay_cables(hosts: Namespaces) -> None:
    for host in ("internet", "public", "staff", "worker", "client", "database"):
        hosts.add(host)
    outside = [f"{ATTACKER}/24", f"{RELAY}/24", "2001:db8::99/64"]
    outside += [f"198.51.100.{last}/24" for last in range(100, 140)]  # an attacker has many
    hosts.bridge("internet", "wan", *outside)
    for host, address in WAN.items():
        extra = [f"{STAFF_IPV6}/64"] if host == "staff" else []
        hosts.cable(host, "wan", f"{address}/24", *extra, into="internet", switch="wan")
    hosts.bridge("database", "inner", f"{DATABASE}/24")
    for host, address in INNER.items():
        hosts.cable(host, "inner", f"{address}/24", into="database", switch="inner")
    hosts.bridge("database", "outer", f"{DATABASE_LINK}/24")
    hosts.cable("public", "outer", f"{LINK}/24", into="database", switch="outer")


def _write_plan(town: Town) -> None:
    """Keys, certificates, the plan, and the files of every host from it."""
    tag, keys = town.hosts.tag, town.folder / "keys"
    town.authority = Authority(keys)
    web = {name: _web_host(town, name) for name in PORTS}
    tables = {
        "public": {**web["public"], "name": PUBLIC, "addresses": [WAN["public"]]},
        "staff": {**web["staff"], "name": STAFF, "addresses": [INNER["staff"]]},
        "worker": {"address": INNER["worker"]},
        "database": {
            "inner": DATABASE,
            "outer": DATABASE_LINK,
            "public_source": LINK,
        },
        "tunnel": {
            "network": "10.77.0.0/24",
            "hub": HUB,
            "endpoint": WAN["staff"],
            "public_key": make_key(keys / "hub.wg"),
            "private_key": str(keys / "hub.wg"),
            "interface": f"wg{tag}h",
        },
        "peers": [
            {
                "name": "camille",
                "address": CLIENT,
                "public_key": make_key(keys / "client.wg"),
                "private_key": str(keys / "client.wg"),
            }
        ],
        "egress": [
            {"host": "worker", "address": RELAY, "port": 587, "country": "FR", "why": "relay"}
        ],
    }
    town.plan = read(tables)
    render(town.plan, folder=town.folder / "rendered")
    make_key(keys / "stranger.wg")
    town.browsers = Browsers(town.hosts, {PUBLIC: WAN["public"], STAFF: HUB}, town.authority.file)


def _web_host(town: Town, name: str) -> dict[str, Any]:
    certificate, key = town.authority.issue(name, PUBLIC if name == "public" else STAFF)
    logs = town.folder / "logs" / name
    logs.mkdir()
    return {
        "certificate": str(certificate),
        "key": str(key),
        "port": PORTS[name],
        "static": str(town.folder / "home" / "static"),
        "logs": str(logs),
        "pid": str(logs / "nginx.pid"),
    }


def _collect_static(town: Town) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
        cwd=ROOT,
        env={**environment, **town._settings()},
    )
    town.stack.callback(_end, process)
    return process


def _start_database(town: Town) -> None:
    """PostgreSQL on its host: TLS, and the rendered list of who is admitted from where."""
    home = town.folder / "postgres"
    town.cluster = Cluster(
        home,
        is_durable=False,
        addresses=(DATABASE, DATABASE_LINK),
        binaries=postgres_with_tls(),
    )
    town.stack.callback(town.cluster.stop)
    town.roles = load_passwords(town.folder / "keys" / "roles.json")
    with town.hosts.inside("database"):
        town.cluster.start()
        provision(town.cluster, passwords=town.roles)
        data = town.cluster.data
        for path in town.authority.issue("postgres", DATABASE, DATABASE_LINK):
            mine = data / path.name
            shutil.copy(path, mine)
            os.chown(mine, data.stat().st_uid, -1)
            mine.chmod(0o600)
        shutil.copy(town.file("database/pg_hba.conf"), data / "pg_hba.conf")
        with psycopg.connect(town.cluster.dsn(database="postgres"), autocommit=True) as connection:
            for setting in ("ssl = on", "ssl_cert_file = 'postgres.pem'",
                            "ssl_key_file = 'postgres.key'"):  # fmt: skip
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
    port = town.cluster.port
    town.plan = replace(town.plan, database=replace(town.plan.database, port=port))
    render(town.plan, folder=town.folder / "rendered")


def _found(town: Town) -> None:
    """Migrate, found the keys and make two accounts: commands, so on the worker's host."""

    def asks() -> bool:
        with town.hosts.inside("worker"):
            try:
                psycopg.connect(town.dsn("owner", "crm")).close()
            except psycopg.OperationalError:
                return False
        return True

    wait_for(asks, "PostgreSQL to answer over TLS")
    with town.hosts.inside("worker"):
        _done(town, "owner", "manage.py", "provision", "-v0")
        shown = _done(town, "worker", "-c", _ACCOUNTS.format(accounts=repr(PASSWORDS)))
    for name, secret in json.loads(shown).items():
        town.accounts[name] = NewAccount(
            Account(username=name), PASSWORDS[name], Secret(secret), []
        )


def _done(town: Town, process: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=town.environment(process),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _open_doors(town: Town) -> None:
    """Firewalls, the tunnel, the processes, and nginx last."""
    for host in ("public", "staff", "worker", "database"):
        town.hosts.run(host, "nft", "-f", str(town.file(f"{host}/nftables.conf")))
    for name in PORTS:
        town.wait_for_web(name)
    tunnel_up(town, "staff", town.file(f"staff/{town.interface}.conf"))
    tunnel_up(town, "client", _named(town, town.file("peers/camille.conf"), "c"))
    for name in PORTS:
        town.start_nginx(name)


def _named(town: Town, path: Path, letter: str) -> Path:
    """wg-quick names the interface by its file; the name is the machine's own affair."""
    named = town.folder / f"wg{town.hosts.tag}{letter}.conf"
    shutil.copy(path, named)
    return named


def stranger_up(town: Town) -> str:
    """A tunnel of the internet's, of camille's address and a key that nobody knows."""
    text = town.file("peers/camille.conf").read_text(encoding="utf-8")
    keys = town.folder / "keys"
    path = town.folder / f"wg{town.hosts.tag}x.conf"
    path.write_text(
        text.replace(str(keys / "client.wg"), str(keys / "stranger.wg")), encoding="utf-8"
    )
    tunnel_up(town, "internet", path)
    return path.stem


def tunnel_up(town: Town, host: str, path: Path) -> None:
    path.chmod(0o600)
    town.hosts.run(host, "wg-quick", "up", str(path))
