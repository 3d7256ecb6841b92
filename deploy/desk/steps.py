"""What comes before the processes: migrations, and at the first start accounts and demo data."""

import hashlib
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.desk.console import relay_lines, say
from deploy.desk.layout import ROOT, Layout


class StepFailed(RuntimeError):
    """A step before the start went wrong; its own lines say why."""


class Interrupted(Exception):
    """Ctrl-C during a step: it was stopped, and runs again at the next start."""


class Steps:
    """Runs `manage.py` as the owner of the databases, stopping at once when the desk ends."""

    def __init__(
        self, layout: Layout, *, environment: Mapping[str, str], is_ending: threading.Event
    ) -> None:
        self._layout = layout
        self._environment = dict(environment)
        self._is_ending = is_ending

    def migrate(self) -> None:
        """Migrate only when the migrations or the grants changed since the last start.

        Raises StepFailed or Interrupted, as the other steps do.
        """
        migrations = sorted(ROOT.glob("*/migrations/*.py"))
        digest = _digest([*migrations, ROOT / "deploy" / "grants.py"])
        mark = self._layout.home / "migrated"
        if mark.exists() and mark.read_text(encoding="utf-8") == digest:
            return
        say("desk", "Migrating crm, vault and intake")
        self._run("provision", "-v0")
        mark.write_text(digest, encoding="utf-8")

    def create_accounts(self) -> bool:
        """Create the first accounts; return False if an earlier start did."""
        mark = self._layout.home / "accounts-created"
        if mark.exists():
            return False
        say("desk", "Creating the first accounts")
        self._run("desk_accounts", "--file", str(self._layout.sign_in_file))
        mark.touch()
        return True

    def make_demonstration(self) -> None:
        """Make the demonstration data, once, where ACCORD_DEMO allows it."""
        mark = self._layout.home / "demo-made"
        is_wanted = self._layout.given.get("ACCORD_DEMO", "yes") != "no"
        if mark.exists() or not is_wanted:
            return
        say("desk", "Making the demonstration data")
        self._run("demo")
        mark.touch()

    def _run(self, *arguments: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.desk.leash", sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        listener = threading.Thread(target=relay_lines, args=("desk", process.stdout, deque()))
        listener.start()
        while process.poll() is None:
            if self._is_ending.wait(0.02):
                process.terminate()
                process.wait()
        listener.join()
        if self._is_ending.is_set():
            raise Interrupted
        if process.returncode:
            raise StepFailed(f"manage.py {arguments[0]} failed (code {process.returncode}).")


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
