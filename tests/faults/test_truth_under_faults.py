"""Storms over a campaign: workers killed and frozen at every point, PostgreSQL without power, a
broker emptied, a relay that lies, people who say no meanwhile. What the relay took is counted
against the ledger: nothing twice, nothing lost, nothing after a "no" was acknowledged.

`ACCORD_FAULTS_SEED` chooses another storm, `ACCORD_FAULTS_PEOPLE` a longer one (`make faults`).
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker, Settings

from consent.services import opt_out_links, refresh_cards
from privacy.models import SealingPublicKey
from tests.campaigns import cast
from tests.faults import oracle, postfix
from tests.faults.points import POINTS
from tests.faults.postfix import Postfix, open_folder
from tests.faults.relay import FaultyRelay
from tests.faults.stage import FaultStage, Waker, faults_stage, inside
from tests.journeys.stage import wait_for

SEED = os.environ.get("ACCORD_FAULTS_SEED", "1")
PEOPLE = int(os.environ.get("ACCORD_FAULTS_PEOPLE", "120"))
# Each costs a lease, and some a frozen worker: a storm is over after so many of them.
STRIKES = PEOPLE // 12
PROGRAMS = ("public", "worker1", "worker2", "beat1", "beat2")
_RATES = {
    "after_claim": 0.25,
    "after_decrypt": 0.25,
    "after_gate": 0.06,
    "after_354": 0.02,
    "mid_body": 0.012,
    "after_answer": 0.06,
    "after_record": 0.06,
}
TIMEOUT = 300 + 2 * PEOPLE


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder("faults") as made:
        yield made


def test_every_point_has_a_rate() -> None:
    assert set(_RATES) == set(POINTS)


@contextmanager
def _storm(
    home: Path,
    settings: Settings,
    blocker: DjangoDbBlocker,
    *,
    relay_url: str,
    more: dict[str, str],
) -> Iterator[FaultStage]:
    with (
        faults_stage(home, relay_url=relay_url, more=more) as stage,
        inside(stage, settings, blocker),
    ):
        stage.start("beat1")
        stage.start("worker1")
        wait_for(SealingPublicKey.objects.exists, "a key to seal with")
        for program in PROGRAMS:
            if program not in stage.processes:
                stage.start(program)
        yield stage


def _people() -> dict[UUID, str]:
    emails = [f"person{number}@example.org" for number in range(PEOPLE)]
    return {cast.subscriber(email): email for email in emails}


def _links(people: dict[UUID, str]) -> dict[UUID, str]:
    made = opt_out_links(subjects=people, purpose_code="newsletter", now=cast.clock())
    refresh_cards(now=cast.clock())
    return {contact: links.one_click_url for contact, links in made.items()}


class Deserters(threading.Thread):
    """People who say no while the campaign runs, as their mail programs do it."""

    def __init__(self, links: dict[UUID, str], *, chance: random.Random, pause: float) -> None:
        super().__init__(daemon=True)
        self.noes: dict[UUID, float] = {}
        self._links, self._pause = links, pause
        self._order = chance.sample(sorted(links, key=str), k=len(links) // 4)
        self._is_over = threading.Event()

    def run(self) -> None:
        for contact in self._order:
            if self._is_over.wait(self._pause):
                return
            with suppress(httpx.TransportError):  # not acknowledged: it does not count
                answer = httpx.post(
                    self._links[contact], data={"List-Unsubscribe": "One-Click"}, timeout=20
                )
                if answer.status_code == 200:
                    self.noes[contact] = time.time()

    def finish(self) -> None:
        self._is_over.set()
        self.join()


def _all_over(stage: FaultStage) -> None:
    """Let time pass for what waits, until nothing is open."""

    def is_over() -> bool:
        stage.ask("UPDATE campaigns_delivery SET due_at = now() WHERE state = 1 AND due_at > now()")
        rows = stage.ask("SELECT count(*) FROM campaigns_delivery WHERE state < 5 AND kind = 1")
        return rows[0][0] == 0

    wait_for(is_over, "every message to end", seconds=120 + PEOPLE / 10)


def _rage(stage: FaultStage, *, acts: list[Callable[[], None]], chance: random.Random) -> None:
    """Beside the workers' own faults: one act after the other, until most is settled."""
    for act in acts:
        time.sleep(chance.uniform(0.5, 1.5))
        act()


def _restart(stage: FaultStage, name: str) -> None:
    stage.kill(name)
    stage.start(name)


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT)
def test_a_storm_with_a_relay_that_lies(
    folder: Path, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> None:
    chance = random.Random(SEED)
    relay = FaultyRelay(seed=SEED, pace_seconds=0.02, too_slow_seconds=5)
    relay.start()
    url = f"smtp://127.0.0.1:{relay.port}?timeout=3&final_timeout=3"
    with _storm(folder / "storm", settings, django_db_blocker, relay_url=url, more={}) as stage:
        people = _people()
        deserters = Deserters(_links(people), chance=chance, pause=0.02)
        waker = Waker(stage)
        waker.start()
        stage.strike(seed=SEED, rates=_RATES, acts=["kill", "kill", "kill", "stop"])
        both = cast.launched(subject="One"), cast.launched(subject="Two")
        deserters.start()
        connections.close_all()
        acts: list[Callable[[], None]] = [
            stage.wipe_broker,
            lambda: _restart(stage, "worker1"),
            stage.lose_power,
            stage.wipe_broker,
            lambda: _restart(stage, "worker2"),
            lambda: _restart(stage, "beat2"),
        ]
        _rage(stage, acts=acts, chance=chance)
        wait_for(lambda: _has_raged(stage), "the storm to have done its work", seconds=60 + PEOPLE)
        stage.be_kind()
        relay.is_faulty = False
        deserters.finish()
        waker.finish()
        _all_over(stage)
        verdict = oracle.judge(
            stage,
            taken=[each.message_id for each in relay.taken],
            moments={each.message_id: each.at for each in relay.taken},
            noes=deserters.noes,
        )
        kills = stage.struck()
        _say(verdict, kills, deserters)
        assert verdict.faults == {}
        assert sum(verdict.states.values()) == 2 * PEOPLE
        assert deserters.noes, "nobody said no: the storm was too short"
        assert {each["act"] for each in kills} >= {"kill"}
        # Without the relay's log a message may stay unknown, but only with a reason: a dot that
        # was left without an answer, or a worker that died or slept with a batch in its hands.
        most = sum(1 for each in kills if each["point"] not in ("after_claim", "after_decrypt"))
        undoubted = [name for name in verdict.unknown if name not in relay.doubtful]
        assert len(undoubted) <= (most + 4) * 25
        settled = stage.ask("SELECT state FROM campaigns_campaign WHERE id IN (%s, %s)", *both)
        assert {row[0] for row in settled} == {"finished"}
    relay.stop()


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT)
def test_a_storm_over_a_real_relay_leaves_nothing_unknown(
    folder: Path, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> None:
    postfix.required()
    chance = random.Random(f"{SEED}-postfix")
    relay = Postfix(folder / "postfix")
    relay.start()
    time.sleep(4.1)  # its start is not a fall in the middle of the campaign (doubts._MARGIN)
    more = {
        "ACCORD_RELAY_LOG": str(relay.log),
        "ACCORD_RELAY_CONFIG_DIR": str(relay.config),
    }
    url = f"smtp://127.0.0.1:{relay.port}?timeout=3&final_timeout=3"
    with _storm(folder / "storm", settings, django_db_blocker, relay_url=url, more=more) as stage:
        people = _people()
        deserters = Deserters(_links(people), chance=chance, pause=0.02)
        waker = Waker(stage)
        waker.start()
        rates = {point: 1.5 * rate for point, rate in _RATES.items()}
        stage.strike(seed=SEED, rates=rates, acts=["kill", "kill", "kill", "stop"])
        cast.launched(subject="One")
        deserters.start()
        connections.close_all()
        acts: list[Callable[[], None]] = [
            lambda: _restart(stage, "worker1"),
            stage.lose_power,
            stage.wipe_broker,
            lambda: _restart(stage, "worker2"),
        ]
        _rage(stage, acts=acts, chance=chance)
        wait_for(lambda: _has_raged(stage), "the storm to have done its work", seconds=60 + PEOPLE)
        stage.be_kind()
        deserters.finish()
        waker.finish()
        _all_over(stage)
        verdict = oracle.judge(stage, taken=relay.taken(), noes=deserters.noes)
        _say(verdict, stage.struck(), deserters)
        assert verdict.faults == {}
        assert verdict.states["unknown"] == 0
        assert sum(verdict.states.values()) == PEOPLE
        assert stage.struck(), "no worker was struck: the storm was too short"
    relay.stop()


def _has_raged(stage: FaultStage) -> bool:
    """Most has ended, or enough has been struck while some of it left."""
    rows = stage.ask(
        "SELECT count(*) FILTER (WHERE state < 5), count(*) FILTER (WHERE state >= 5)"
        " FROM campaigns_delivery WHERE kind = 1"
    )
    still, ended = (int(str(number)) for number in rows[0])
    return still < PEOPLE // 2 or (len(stage.struck()) >= STRIKES and ended > 0)


def _say(verdict: oracle.Verdict, kills: list[dict[str, object]], noes: Deserters) -> None:
    """The storm in a line, for `make faults` and for whoever reads a failure."""
    struck = {point: sum(each["point"] == point for each in kills) for point in POINTS}
    print(f"seed {SEED}: {dict(verdict.states)}, {len(noes.noes)} said no, struck {struck}")
