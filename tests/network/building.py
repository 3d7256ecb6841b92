"""How the town is built: cables, plan, database, processes; and taken down again."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from crm.accounts.register import NewAccount
from crm.accounts.second_factor import Secret
from crm.models import Account
from deploy.databases import load_passwords, provision
from deploy.embedded.postgres import Cluster
from deploy.network.keys import make_key
from deploy.network.plan import read
from deploy.network.render import render
from tests.journeys.stage import ROOT, wait_for
from tests.network.browsers import Browsers
from tests.network.certificates import Authority
from tests.network.namespaces import Namespaces, postgres_with_tls
from tests.network.town import (
    ATTACKER,
    CLIENT,
    DATABASE,
    DATABASE_LINK,
    HUB,
    INNER,
    LINK,
    PASSWORDS,
    PORTS,
    PUBLIC,
    RELAY,
    STAFF,
    STAFF_IPV6,
    WAN,
    Town,
    end,
)

_FOUNDING = """
import json, django
django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
from crm.accounts.register import create_account
from privacy.services import refresh_sealing_key
call_command("provision", verbosity=0)
now = datetime.now(UTC)
refresh_sealing_key(now=now)
made = [
    create_account(username=name, role="marketing", now=now, password=password,
                   with_authenticator=True)
    for name, password in {accounts}.items()
]
print(json.dumps({{each.account.username: each.secret.hexadecimal for each in made}}))
"""


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
        env={**environment, **town.settings()},
    )
    town.stack.callback(end, process)
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
        shown = _done(town, "owner", "-c", _FOUNDING.format(accounts=repr(PASSWORDS)))
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
