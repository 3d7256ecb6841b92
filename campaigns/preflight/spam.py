"""Asks the spam filter of this machine, if it has one, what it thinks of the mail.

The message is the one for the made-up person: no contact's data reaches another program.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence

from campaigns.preflight.findings import Finding, passed, unknown, warning

_SECONDS = 60
_SPAMASSASSIN = re.compile(r"^X-Spam-Status:.*?score=(-?[\d.]+) required=(-?[\d.]+)", re.MULTILINE)
_RULES = re.compile(
    r"^X-Spam-Status:.*?tests=(.*?)(?:\sautolearn|\sversion|\n\S)", re.DOTALL | re.MULTILINE
)
_RSPAMD = re.compile(r"^Score:\s*(-?[\d.]+)\s*/\s*(-?[\d.]+)", re.MULTILINE)

Find = Callable[[str], str | None]
# No look-up of ours tells a block list which links are about to be sent.
_SPAMASSASSIN_ARGUMENTS = ("--local", "--test-mode")


def spam_finding(message: bytes, *, find: Find = shutil.which) -> Finding:
    """What SpamAssassin or Rspamd says of a message, or that neither is installed."""
    spamassassin, rspamc = find("spamassassin"), find("rspamc")
    try:
        if spamassassin:
            return _spamassassin(_run([spamassassin, *_SPAMASSASSIN_ARGUMENTS], message))
        if rspamc:
            return _rspamd(_run([rspamc], message))
    except (OSError, subprocess.SubprocessError):
        return unknown("spam-failed")
    return unknown("spam-not-installed")


def _run(command: Sequence[str], message: bytes) -> str:
    done = subprocess.run(
        command, input=message, capture_output=True, timeout=_SECONDS, check=False
    )
    return done.stdout.decode("utf-8", "replace")


def _spamassassin(answer: str) -> Finding:
    found = _SPAMASSASSIN.search(answer.replace("\r\n", "\n"))
    if not found:
        return unknown("spam-failed")
    rules = _RULES.search(answer)
    named = re.sub(r"\s", "", rules[1]).replace(",", ", ")[:200] if rules else ""
    return _scored(float(found[1]), float(found[2]), "SpamAssassin", named)


def _rspamd(answer: str) -> Finding:
    found = _RSPAMD.search(answer)
    if not found:
        return unknown("spam-failed")
    return _scored(float(found[1]), float(found[2]), "Rspamd", "")


def _scored(score: float, limit: float, program: str, rules: str) -> Finding:
    detail = {"score": f"{score:.1f}", "limit": f"{limit:.1f}", "program": program, "rules": rules}
    return warning("spam", **detail) if score >= limit / 2 else passed("spam", **detail)
