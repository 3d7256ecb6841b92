"""Where a worker dies or freezes: named points, struck by chance from a seed.

A worker of these tests imports this module at its start (`celery worker --include`); nothing of
the product knows of it. The plan is a file, read at every point, so that faults can be ended.
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaigns.delivery import statements
from campaigns.delivery.preparing import NewsletterDesk
from campaigns.smtp.outcomes import Ready
from campaigns.smtp.session import RelaySession, wire_body

POINTS = (
    "after_claim",
    "after_decrypt",
    "after_gate",
    "after_354",
    "mid_body",
    "after_answer",
    "after_record",
)
_HOME = Path(os.environ["ACCORD_HOME"])
PLAN, STRUCK = _HOME / "faults.json", _HOME / "struck.jsonl"
_count = 0


def _strikes(point: str) -> str:
    """The act for this passage: kill, stop, or nothing."""
    global _count
    _count += 1
    try:
        plan: dict[str, Any] = json.loads(PLAN.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    chance = random.Random(f"{plan['seed']}:{os.getpid()}:{_count}")
    if chance.random() >= plan["rates"].get(point, 0):
        return ""
    return str(chance.choice(plan["acts"]))


def _act(point: str, act: str) -> None:
    line = json.dumps({"pid": os.getpid(), "point": point, "act": act, "at": time.time()})
    with STRUCK.open("a", encoding="utf-8") as struck:
        struck.write(line + "\n")
    os.kill(os.getpid(), signal.SIGKILL if act == "kill" else signal.SIGSTOP)


def _hit(point: str) -> None:
    if act := _strikes(point):
        _act(point, act)


def _after(owner: Any, name: str, point: str, *, before: str = "") -> None:
    real: Callable[..., Any] = getattr(owner, name)

    def struck(*args: Any, **kwargs: Any) -> Any:
        if before:
            _hit(before)
        result = real(*args, **kwargs)
        if result:
            _hit(point)
        return result

    setattr(owner, name, struck)


def _opening() -> None:
    real = RelaySession.open_message

    def open_message(self: RelaySession, *args: Any, **kwargs: Any) -> Any:
        answer = real(self, *args, **kwargs)
        if isinstance(answer, Ready):
            _hit("after_354")
        return answer

    RelaySession.open_message = open_message  # type: ignore[method-assign]


def _writing() -> None:
    real = RelaySession._write_body

    def write_body(self: RelaySession, message: bytes, behind: bytes) -> None:
        if (act := _strikes("mid_body")) and self.sock is not None:
            body = wire_body(message)
            self.sock.sendall(body[: len(body) // 2])
            _act("mid_body", act)
            if act == "stop":  # awake again: the other end has hung up long ago
                self.close()
                raise RuntimeError("A message was torn in two by the test.")
        real(self, message, behind)

    RelaySession._write_body = write_body  # type: ignore[method-assign]


_after(statements, "claim", "after_claim")
_after(NewsletterDesk, "prepare", "after_decrypt")
_after(statements, "gate", "after_gate")
_after(statements, "record", "after_record", before="after_answer")
_opening()
_writing()
