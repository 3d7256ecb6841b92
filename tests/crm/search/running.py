"""A search process of its own, on the databases of this test worker."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg

from crm.search.asking import SearchDown, SearchStatus, find_contacts, search_status
from crm.search.index import Index
from crm.search.keeping import Keeper
from crm.search.process import status_of
from crm.search.serving import Server
from deploy.databases import environment
from tests import plugin
from tests.journeys.stage import wait_for

ROOT = Path(__file__).resolve().parents[3]
NAMES = {zone: plugin.NAMES[zone] for zone in ("crm", "vault")}


@dataclass
class Search:
    """`settings.SEARCH_SOCKET` of the test leads to the same socket."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    prefix: Sequence[str] = ()  # what starts it, with other limits

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "search.sock"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, **values: str) -> None:
        given = environment(
            plugin.CLUSTER, process="search", passwords=plugin.PASSWORDS, names=plugin.NAMES
        )
        mine = {"ACCORD_SEARCH_SOCKET": str(self.socket), "ACCORD_LOG_LEVEL": "INFO"}
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_DSN")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "manage.py", "search"],
                cwd=ROOT,
                env={**clean, **given, **mine, **values},
                stdout=log,
                stderr=log,
            )

    def wait_until_answering(self) -> SearchStatus:
        return wait_for(self.status, "the search to answer")

    def wait_until_ready(self) -> SearchStatus:
        return wait_for(self._ready, "the search to be ready")

    def status(self) -> SearchStatus | None:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return search_status()
        except SearchDown:
            return None

    def _ready(self) -> SearchStatus | None:
        found = self.status()
        return found if found and found.is_loaded and found.behind_since is None else None

    def kill(self, signum: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(20)

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


def found(text: str) -> list[UUID]:
    return [match.contact_id for match in find_contacts(text=text).matches]


def wait_until_found(text: str, *expected: UUID) -> None:
    """Wait until the search finds exactly these."""
    wait_for(lambda: sorted(found(text)) == sorted(expected), "what was sought", seconds=20)


@contextmanager
def superuser(zone: str) -> Iterator[psycopg.Connection]:
    dsn = plugin.CLUSTER.dsn(database=NAMES[zone])
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def cut_off() -> int:
    """End every connection of the search to both databases, as a broken network does."""
    ended = 0
    for zone in NAMES:
        with superuser(zone) as connection:
            ended += connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'accord_search' AND datname = current_database()"
            ).rowcount
    return ended


@contextmanager
def refused() -> Iterator[None]:
    """The search cannot connect for as long as this lasts."""
    try:
        _on_each("REVOKE CONNECT ON DATABASE {} FROM accord_search")
        cut_off()
        yield
    finally:
        _on_each("GRANT CONNECT ON DATABASE {} TO accord_search")


def _on_each(statement: str) -> None:
    for zone, name in NAMES.items():
        with superuser(zone) as connection:
            connection.execute(statement.format(f'"{name}"'))


@contextmanager
def search() -> Iterator[Search]:
    """A folder for one, not started yet; whatever runs in it is killed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="accord-search-"))
    made = Search(folder)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
        shutil.rmtree(folder)


class SearchHere:
    """The same keeper and the same door, in threads of this test: quicker than a process."""

    def __init__(self, path: Path) -> None:
        self._ending = threading.Event()
        keeper = Keeper(Index(), self._ending)
        status = partial(status_of, keeper.index, keeper.progress, is_locked=True)
        self._server = Server(path, index=keeper.index, status=status)
        self._threads = [
            threading.Thread(target=keeper.run),
            threading.Thread(target=self._server.serve_forever, args=(0.02,)),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End as a killed process does: the socket stays where it was. Twice is once."""
        self._ending.set()
        if self._threads:
            self._server.shutdown()
            self._server.server_close()
        for thread in self._threads:
            thread.join(20)
        self._threads = []


def until_ready() -> None:
    wait_for(lambda: search_status().is_loaded, "the search to be ready")
