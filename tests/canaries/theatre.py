"""A stage whose processes say all they can and sometimes fail, before a real mail catcher."""

import asyncio
import os
import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from aiosmtpd.smtp import SMTP, Envelope, Session
from bs4 import BeautifulSoup
from django.db import connections
from kombu import Connection

from crm.accounts.register import NewAccount, create_account
from deploy.celery import app
from deploy.embedded.postgres import free_port
from tests import plugin
from tests.campaigns import cast
from tests.canaries.people import PASSWORD
from tests.crm.webhooks.receiver import Receiver
from tests.journeys import acts
from tests.journeys.inbox import Inbox
from tests.journeys.stage import ROOT, Stage, prepared, wait_for

PROCESSES = ("mail", "public", "staff", "search", "worker", "beat", "returns")
# What a mail service proves itself with, and a mailbox that people answer to.
WEBHOOK_SECRET, RETURNS_TO = "hook:only-for-tests", "team@mail.localhost.example"


class Forwarding(Inbox):
    """A relay that can refuse, and hands what it takes to the mail catcher."""

    catcher: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        if reply.startswith("250"):
            await asyncio.to_thread(self._forward, envelope)
        return reply

    def _forward(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        with smtplib.SMTP("127.0.0.1", self.catcher) as onward:
            onward.sendmail(envelope.mail_from or "", envelope.rcpt_tos, content)


@dataclass
class Theatre(Stage):
    """Every process logs at DEBUG, gunicorn its requests too, and PostgreSQL every statement."""

    seen: list[str] = field(default_factory=list)  # addresses and cookies that the product gave
    other: Receiver = field(default_factory=Receiver)  # another system, told by webhooks

    def settings(self) -> dict[str, str]:
        return {
            **super().settings(),
            "ACCORD_LOG_LEVEL": "DEBUG",
            "GUNICORN_CMD_ARGS": "--log-level debug --access-logfile - --capture-output",
            "ACCORD_RETURNS_BY_MAIL": "yes",
            "ACCORD_RETURNS_LISTEN": self.returns_at,
            "ACCORD_RETURNS_ADDRESSES": RETURNS_TO,
            "ACCORD_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }

    def environment(self, process: str) -> dict[str, str]:
        if process != "mail":
            return super().environment(process)
        # It reads mail and nothing else: no key, no database, no setting of ours.
        return {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}

    def command(self, name: str) -> list[str]:
        if name == "mail":
            return self._catcher()
        if name == "returns":
            return [sys.executable, "manage.py", "returns"]
        command = [
            part if part != "deploy.wsgi" else "tests.canaries.faults.web:application"
            for part in super().command(name)
        ]
        if name in {"worker", "beat"}:
            command = [part if part != "INFO" else "DEBUG" for part in command]
        if name == "worker":
            command += ["--include", "tests.canaries.faults.tasks"]
        return command

    def _catcher(self) -> list[str]:
        ports = ["--smtp-port", str(self.ports["smtp"]), "--page-port", str(self.ports["page"])]
        command = [sys.executable, "-m", "deploy.mail_catcher", "--folder", str(self.mails)]
        return [*command, *ports, "--public-url", self.public_url]

    @property
    def returns_at(self) -> str:
        return f"127.0.0.1:{self.ports['returns']}"

    @property
    def mails(self) -> Path:
        return self.home / "mail"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product, and keep what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment("owner"),
            capture_output=True,
            text=True,
            check=False,
        )
        with (self.home / "commands.log").open("a", encoding="utf-8") as log:
            log.write(done.stdout + done.stderr)
        return done

    @property
    def queue(self) -> Path:
        return self.home / "broker" / "queue"

    def send(self, name: str, *values: str, **named: str) -> None:
        """Put a task into the folder that the worker looks into."""
        folders = {
            "data_folder_in": str(self.queue),
            "data_folder_out": str(self.queue),
            "control_folder": str(self.home / "broker" / "control"),
        }
        with Connection("filesystem://localhost", transport_options=folders) as broker:
            app.send_task(name, args=values, kwargs=named, connection=broker)

    @contextmanager
    def away(self, zone: str) -> Iterator[None]:
        """Close a database to everybody."""
        name = self.names[zone]
        with psycopg.connect(plugin.CLUSTER.dsn(database="postgres"), autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            try:
                yield
            finally:
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
                connections.close_all()  # ours was ended too

    @contextmanager
    def browser(self, url: str, **options: Any) -> Iterator[httpx.Client]:
        """A browser that remembers every address and cookie that it is given."""
        hooks = {"response": [self._remember]}
        with httpx.Client(base_url=url, timeout=30, event_hooks=hooks, **options) as client:
            yield client

    def _remember(self, response: httpx.Response) -> None:
        self.seen += [str(response.url), *response.headers.get_list("set-cookie")]
        self.seen.append(response.headers.get("location", ""))
        if "text/html" in response.headers.get("content-type", ""):
            page = BeautifulSoup(response.read().decode(), "html.parser")
            self.seen += [
                str(part[name])
                for name in ("href", "src", "action", "formaction", "hx-get", "hx-post")
                for part in page.select(f"[{name}]")
                # What a telephone or a mail program opens is meant to hold it.
                if not re.match("mailto:|tel:", str(part[name]))
            ]

    @contextmanager
    def member(self, role: str) -> Iterator[httpx.Client]:
        """A member of staff, signed in with the password that is looked for."""
        with self.browser(self.staff_url, follow_redirects=True) as client:
            sign_in(client, account(role))
            yield client


def account(role: str) -> NewAccount:
    return create_account(
        username=f"{role}-{os.urandom(4).hex()}",
        role=role,
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def sign_in(client: httpx.Client, who: NewAccount) -> None:
    acts.submit(client, "/sign-in", username=who.account.username)
    acts.submit(client, "/sign-in/password", password=who.password)
    assert acts.show_code(client, who).status_code == 200
    assert client.get("/account/").status_code == 200


def raise_curtain() -> Theatre:
    theatre = prepared("theatre", Theatre)
    theatre.ports |= {"smtp": free_port(), "page": free_port(), "returns": free_port()}
    theatre.inbox = Forwarding()
    theatre.inbox.catcher = theatre.ports["smtp"]
    _let_the_server_log_every_statement(theatre)
    theatre.inbox.start()
    for name in PROCESSES:
        theatre.start(name)
    theatre.wait_until_up()
    return theatre


def _let_the_server_log_every_statement(theatre: Theatre) -> None:
    """As somebody does who looks for slow ones."""
    with psycopg.connect(plugin.CLUSTER.dsn(database="postgres"), autocommit=True) as server:
        for name in theatre.names.values():
            server.execute(f'ALTER DATABASE "{name}" SET log_min_duration_statement = 0')


def wait_for_line(theatre: Theatre, name: str, words: str) -> None:
    wait_for(lambda: words in theatre.log(name), f"{words!r} in the log of {name}")
