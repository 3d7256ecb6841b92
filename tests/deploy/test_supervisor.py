"""The supervisor: the dead come back after a growing pause, too many deaths end it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.desk.layout import PORTS, Layout
from deploy.desk.programs import programs
from deploy.desk.supervisor import GivenUp, Program, Supervisor
from tests.deploy.run import wait_for


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _python(name: str, code: str, stop_order: int = 0) -> Program:
    return Program(name, [sys.executable, "-c", code], {}, stop_order=stop_order)


def _bury(supervisor: Supervisor) -> None:
    process = supervisor.children[0].process
    assert process is not None
    process.wait(10)
    supervisor.tend()


def _pause(supervisor: Supervisor, clock: Clock) -> float:
    """Return after how many seconds the dead child is started again."""
    before, began = supervisor.children[0].process, clock.now
    while supervisor.children[0].process is before:
        clock.now += 0.5
        supervisor.tend()
    return clock.now - began


def test_each_death_in_a_row_doubles_the_pause_up_to_thirty_seconds() -> None:
    clock = Clock()
    supervisor = Supervisor([_python("worker", "raise SystemExit(3)")], clock=clock)
    supervisor.start()
    pauses = []
    for _ in range(7):
        clock.now += 20  # it lived that long: never five deaths within a minute
        _bury(supervisor)
        pauses.append(_pause(supervisor, clock))
    supervisor.stop()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_long_life_forgives_the_earlier_deaths() -> None:
    clock = Clock()
    supervisor = Supervisor([_python("worker", "raise SystemExit(3)")], clock=clock)
    supervisor.start()
    pauses = []
    for seconds_lived in (1, 1, 60):
        clock.now += seconds_lived
        _bury(supervisor)
        pauses.append(_pause(supervisor, clock))
    supervisor.stop()
    assert pauses == [1, 2, 1]


def test_five_deaths_within_a_minute_are_given_up_with_the_last_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    code = "print('the cause stands here'); raise SystemExit(3)"
    supervisor = Supervisor([_python("worker", code)], clock=clock)
    supervisor.start()
    for _ in range(4):
        _bury(supervisor)
        _pause(supervisor, clock)
    with pytest.raises(GivenUp, match=r"worker died 5 times within a minute \(code 3\)") as end:
        _bury(supervisor)
    assert end.value.lines == ["the cause stands here"]
    assert "worker ended by itself (code 3): again in 8 s." in capsys.readouterr().out


def test_what_a_dead_program_started_dies_with_it() -> None:
    """A server that outlives its master holds the port that the next one needs."""
    code = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    supervisor = Supervisor([_python("public", code)], clock=Clock())
    supervisor.start()
    _bury(supervisor)
    pid = int(supervisor.children[0].last_lines[-1])
    wait_for(lambda: not _is_alive(pid), "the server to end")
    supervisor.stop()


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_they_stop_in_order_and_the_deaf_are_killed(capsys: pytest.CaptureFixture[str]) -> None:
    # os.write: a signal in the middle of print() would find its buffer locked.
    polite = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.write(1, b'bye\\n') - 4))\n"
        "os.write(1, b'up\\n')\n"
        "while True: signal.pause()"
    )
    deaf = polite.replace("lambda *_: sys.exit(os.write(1, b'bye\\n') - 4)", "signal.SIG_IGN")
    last = Program("mail", [sys.executable, "-c", deaf], {}, stop_order=3, stop_seconds=0.2)
    supervisor = Supervisor([last, _python("beat", polite, 1), _python("public", polite, 0)])
    supervisor.start()
    while not all(child.last_lines for child in supervisor.children):
        supervisor.tend()
    supervisor.stop()
    said = [line for line in capsys.readouterr().out.splitlines() if "up" not in line]
    assert [line.split("|")[0].strip() for line in said] == ["public", "beat", "desk"]
    assert "mail does not stop: killed." in said[-1]
    assert not any(child.is_alive for child in supervisor.children)


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The environment of each program, by its name."""
    monkeypatch.setenv("ACCORD_VAULT_DSN", "postgresql://left-over")
    monkeypatch.setenv("ACCORD_CRM_DSN_FILE", "/left/over")
    layout = Layout(tmp_path, {name: usual for name, (_setting, usual) in PORTS.items()}, {})
    layout.make_folders()
    databases: Callable[[str], dict[str, str]] = lambda process: {  # noqa: E731
        "ACCORD_PROCESS": process,
        **({} if process == "beat" else {f"ACCORD_{process.upper()}_DSN": "an address"}),
    }
    return {p.name: dict(p.environment) for p in programs(layout=layout, databases=databases)}


def test_each_program_gets_the_databases_of_its_process_only(
    environments: dict[str, dict[str, str]],
) -> None:
    addresses = {
        name: [key for key in values if "_DSN" in key] for name, values in environments.items()
    }
    assert addresses == {
        "public": ["ACCORD_PUBLIC_DSN"],
        "staff": ["ACCORD_STAFF_DSN"],
        "search": ["ACCORD_SEARCH_DSN"],
        "worker": ["ACCORD_WORKER_DSN"],
        "returns": ["ACCORD_RETURNS_DSN"],
        "beat": [],
        "mail": [],
    }
    assert not [key for key in environments["mail"] if key.startswith("ACCORD_")]
