"""People who exist nowhere else go through everything, also what fails; then it is looked for them.

The mail that they are sent is theirs; nothing else may hold a word of them in any form.
"""

import shutil
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import DjangoDbBlocker, Settings

from privacy.models import SealingPublicKey
from tests import plugin
from tests.canaries import flows, people, sinks
from tests.canaries.forms import needles
from tests.canaries.search import search
from tests.canaries.theatre import PROCESSES, Theatre, raise_curtain
from tests.crm.webhooks.receiver import receiver
from tests.journeys.conftest import on_stage
from tests.journeys.stage import wait_for

pytestmark = pytest.mark.timeout(900)
# Where a recipient reads it; who it is for stands beside.
_THEIRS = frozenset(["to", "delivered-to", "subject"])


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    made = raise_curtain()
    with receiver() as made.other:
        yield made
    made.stop()
    made.inbox.stop()


def test_no_sink_holds_a_word_of_anybody(
    theatre: Theatre, settings: Settings, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    since = sinks.position(plugin.CLUSTER)
    settings.WEBHOOK_NETWORKS = [ip_network("127.0.0.0/8")]  # as the worker has them
    with on_stage(theatre, settings, django_db_blocker):
        wait_for(SealingPublicKey.objects.exists, "a key to seal with")
        for flow in flows.FLOWS:
            flow(theatre)
        waiting = _what_waits(theatre, tmp_path / "waiting")
        flows.a_task_that_nobody_knows(theatre)
    theatre.stop()
    places = {
        "logs": [theatre.home / f"{name}.log" for name in (*PROCESSES, "commands")],
        "the server's log": [plugin.CLUSTER.log],
        "waiting tasks": [waiting],
        "what browsers and others got": [_written(tmp_path / "seen", "\n".join(theatre.seen))],
        "mail headers": _headers(theatre, tmp_path / "headers"),
        "dumps": _dumps(theatre, tmp_path / "dumps"),
        "data files": sinks.data_files(
            plugin.CLUSTER, databases=list(theatre.names.values()), since=since
        ),
        "the installation's folder": [
            each for each in theatre.home.iterdir() if each != theatre.mails
        ],
    }
    wanted = needles(people.values())
    assert len(wanted) > 1000
    hits = [
        f"{name}: {what} in {path.name}"
        for name, paths in places.items()
        for path, what in search(wanted, paths)
    ]
    assert not hits, "\n".join(hits[:40])
    # The same search finds them where they are meant to be.
    assert search(wanted, [theatre.mails])
    assert django_settings.DEBUG is False


def _what_waits(theatre: Theatre, copy: Path) -> Path:
    """Return a copy of the broker's folder while nobody takes anything out of it."""
    theatre.kill("worker")
    before = {each.name for each in theatre.queue.iterdir()}
    flows.the_api(theatre)
    wait_for(lambda: len({each.name for each in theatre.queue.iterdir()} - before) > 20, "bells")
    shutil.copytree(theatre.queue, copy)
    theatre.start("worker")
    return copy


def _written(path: Path, content: str) -> Path:
    assert content
    path.write_text(content, encoding="utf-8")
    return path


def _headers(theatre: Theatre, folder: Path) -> list[Path]:
    """Return the headers of every mail but those that are for its reader."""
    folder.mkdir()
    found = []
    for mail in sorted(theatre.mails.glob("*.eml")):
        message = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
        others = [f"{n}: {v}" for n, v in message.raw_items() if n.lower() not in _THEIRS]
        found.append(_written(folder / mail.stem, "\n".join(others)))
    assert len(found) >= 4
    return found


def _dumps(theatre: Theatre, folder: Path) -> list[Path]:
    return [
        path
        for name in theatre.names.values()
        for path in sinks.dump(plugin.CLUSTER, database=name, folder=folder)
    ]
