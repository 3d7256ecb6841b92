"""`make run` as its user meets it: starts, answers, mends itself, stops, goes on."""

import json
import os
import re
import shutil
import signal
import smtplib
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.databases import environment, load_passwords
from deploy.embedded.postgres import Cluster
from tests.deploy.run import Run, free_ports, processes_of, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MAIL = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Hello desk\r\n\r\nText\r\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "home", free_ports())
    yield run
    if run.process.poll() is None:
        run.end()
    # As root the data may lie outside of the folder that pytest clears away.
    cluster = Cluster(run.home / "postgres")
    cluster.stop()
    shutil.rmtree(cluster.data, ignore_errors=True)
    if cluster.data.parent != cluster.home and cluster.data.parent.is_dir():
        cluster.data.parent.rmdir()


@pytest.mark.slow
@pytest.mark.timeout(300)  # five starts of the whole product, on a machine that may be busy
def test_the_desk_starts_answers_mends_itself_stops_and_goes_on(desk: Run) -> None:
    desk.read_until("Ready in")
    _each_page_answers(desk)
    _the_first_sign_in_is_shown_and_kept_for_its_owner_only(desk)
    _a_mail_is_shown(desk)
    _a_bell_is_answered(desk.home)
    _a_second_copy_is_refused(desk)
    _a_command_reaches_the_running_desk(desk)
    _a_killed_worker_comes_back(desk)
    _a_killed_database_comes_back(desk)
    assert desk.end() == 0
    assert not processes_of(desk.home)
    again = _goes_on(desk)
    _a_killed_desk_leaves_nobody_behind_but_the_database(again)
    last = Run(desk.home, desk.ports)
    last.read_until("Ready in")
    assert last.end() == 0
    assert not processes_of(desk.home)


def _a_command_reaches_the_running_desk(desk: Run) -> None:
    command = [sys.executable, "-m", "deploy.desk.manage", "keys", "status"]
    environment = {**os.environ, "ACCORD_HOME": str(desk.home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "epoch" in done.stdout.lower()


def test_a_command_without_a_desk_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.desk.manage", "keys", "status"]
    environment = {**os.environ, "ACCORD_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "start it with make run" in done.stdout


def _each_page_answers(desk: Run) -> None:
    for name in ("public", "staff"):
        answer = httpx.get(f"{desk.url(name)}/health")
        assert (answer.status_code, answer.text) == (200, "ok")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    sign_in = httpx.get(f"{desk.url('staff')}/", follow_redirects=True)
    assert sign_in.status_code == 200
    assert "mot de passe" in sign_in.text  # French from the first start, with no step of its own
    assert "No mail yet" in httpx.get(desk.url("mail")).text


def _the_first_sign_in_is_shown_and_kept_for_its_owner_only(desk: Run) -> None:
    kept = desk.home / "secrets" / "first-sign-in.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    accounts = {one["username"]: one for one in json.loads(kept.read_text())["accounts"]}
    assert set(accounts) == {"marketing", "dpo", "dsi"}
    said = "".join(desk.lines)
    for account in accounts.values():
        assert account["password"] in said
    assert accounts["marketing"]["secret"] in said
    assert "█" in said
    assert "secret" not in accounts["dpo"]


def _a_mail_is_shown(desk: Run) -> None:
    with smtplib.SMTP("127.0.0.1", desk.ports["smtp"]) as relay:
        relay.ehlo()
        assert all(relay.has_extn(name) for name in ("pipelining", "8bitmime", "smtputf8"))
        relay.sendmail("a@example.org", ["b@example.org"], MAIL)
    assert "Hello desk" in httpx.get(desk.url("mail")).text


def _address(home: Path) -> str:
    cluster = Cluster(home / "postgres")
    passwords = load_passwords(home / "secrets" / "roles.json")
    names = {"crm": "crm", "vault": "vault", "intake": "intake"}
    found = environment(cluster, process="owner", passwords=passwords, names=names)
    return found["ACCORD_INTAKE_DSN"]


def _sealing_keys(home: Path) -> int:
    with psycopg.connect(_address(home)) as connection:
        row = connection.execute("SELECT count(*) FROM privacy_sealingpublickey").fetchone()
    assert row is not None
    return int(row[0])


def _a_bell_is_answered(home: Path) -> None:
    """beat rings, the worker answers: the public side gets a key to seal with at once."""
    wait_for(lambda: _sealing_keys(home) == 1, "a sealing key")
    queue = home / "broker" / "queue"
    wait_for(lambda: not list(queue.iterdir()), "the worker to take every bell")


def _a_second_copy_is_refused(desk: Run) -> None:
    second = Run(desk.home, free_ports())
    second.read_until("Already running")
    assert second.wait() == 1


def _a_killed_worker_comes_back(desk: Run) -> None:
    before = desk.children()
    assert set(before) == {"public", "staff", "search", "worker", "beat", "mail"}
    os.kill(before["worker"], signal.SIGKILL)
    desk.read_until("worker ended by itself (signal SIGKILL): again in 1 s.")
    desk.read_until("worker@desk ready")
    after = desk.children()
    assert after["worker"] != before["worker"]
    assert {**after, "worker": 0} == {**before, "worker": 0}


def _a_killed_database_comes_back(desk: Run) -> None:
    Cluster(desk.home / "postgres").kill()
    desk.read_until("PostgreSQL ended by itself")
    desk.read_until("PostgreSQL is back")
    assert _sealing_keys(desk.home) == 1


def _goes_on(desk: Run) -> Run:
    again = Run(desk.home, desk.ports)
    ready = again.read_until("Ready in")
    seconds = re.search(r"Ready in ([0-9.]+) s", ready)
    assert seconds is not None
    assert float(seconds[1]) < 10
    said = "".join(again.lines)
    assert "Migrating" not in said
    assert "password" not in said
    assert "make login" in said
    assert _sealing_keys(desk.home) == 1
    assert "Hello desk" in httpx.get(again.url("mail")).text
    return again


def _a_killed_desk_leaves_nobody_behind_but_the_database(desk: Run) -> None:
    mine = desk.children().values()
    desk.process.kill()
    desk.process.wait()
    wait_for(lambda: not set(mine) & set(processes_of(desk.home)), "the children to end")


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(tmp_path / "home", {**free_ports(), "mail": port})
        run.read_until(f"Port {port} is in use. Choose another: ACCORD_MAIL_PORT=")
        assert run.wait() == 1
