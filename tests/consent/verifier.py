"""The program that checks receipts and packs, as a stranger runs it, and quickly within a test."""

import contextlib
import io
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consent import receipts
from consent.sealing import ledger_signer

SCRIPT = Path(receipts.__file__).parent / "static" / "consent" / "accord_verify.py"
_MODULE: dict[str, Any] = runpy.run_path(str(SCRIPT), run_name="accord_verify")


def key() -> str:
    return str(ledger_signer().verifier)


def run(path: Path, *options: str, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    """In a process of its own that sees nothing of ours: -I, another folder, no environment."""
    return subprocess.run(
        [sys.executable, "-I", str(script), str(path), *options],
        cwd=path.parent,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def holds(content: bytes) -> bool:
    """The same for a receipt within this process, for thousands of altered ones."""
    report = _MODULE["Report"]()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            _MODULE["verify_receipt"](report, content, None)
        except Exception:
            return False
    return bool(report.held) and not report.failed


def function(name: str) -> Callable[..., Any]:
    """One of its checks, which raises when it does not hold."""
    found: Callable[..., Any] = _MODULE[name]
    return found
