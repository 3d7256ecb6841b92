"""The spam filter of the machine is asked, and what it says is read."""

import shutil
import stat
from pathlib import Path

import pytest

from campaigns.preflight.findings import Verdict
from campaigns.preflight.spam import spam_finding

MESSAGE = (
    b"From: Example <news@example.org>\r\nTo: camille@example.org\r\nSubject: News\r\n"
    b"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n"
)
# Every SpamAssassin gives this sentence a thousand points: https://spamassassin.apache.org/gtube/
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def test_where_none_is_installed_that_is_said() -> None:
    finding = spam_finding(MESSAGE, find=lambda _name: None)
    assert (finding.code, finding.verdict) == ("spam-not-installed", Verdict.UNKNOWN)


def program(folder: Path, answer: str, *, status: int = 0) -> Path:
    """A filter that answers what a real one would; its input is read to the end, as theirs is."""
    path = folder / "filter"
    path.write_text(f"#!/bin/sh\ncat > /dev/null\ncat <<'END'\n{answer}\nEND\nexit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


RSPAMD = """Results for file: stdin (0.1 seconds)
[Metric: default]
Action: no action
Spam: false
Score: {score} / 15.00
Symbol: MIME_GOOD (-0.10)[text/plain]"""


@pytest.mark.parametrize(("score", "verdict"), [("1.20", Verdict.PASSED), ("9.0", Verdict.WARNING)])
def test_rspamd_is_asked_where_it_is_there(tmp_path: Path, score: str, verdict: Verdict) -> None:
    rspamc = program(tmp_path, RSPAMD.format(score=score))
    finding = spam_finding(MESSAGE, find=lambda name: str(rspamc) if name == "rspamc" else None)
    assert finding.verdict == verdict
    assert finding.detail["program"] == "Rspamd"


@pytest.mark.parametrize("answer", ["", "nonsense", "X-Spam-Status: broken"])
def test_a_filter_that_answers_otherwise_is_not_believed(tmp_path: Path, answer: str) -> None:
    odd = program(tmp_path, answer, status=3)
    assert spam_finding(MESSAGE, find=lambda _name: str(odd)).code == "spam-failed"
    assert spam_finding(MESSAGE, find=lambda _name: str(tmp_path / "none")).code == "spam-failed"


@pytest.mark.skipif(not shutil.which("spamassassin"), reason="SpamAssassin is not installed")
@pytest.mark.parametrize(
    ("message", "verdict"), [(MESSAGE, Verdict.PASSED), (MESSAGE + GTUBE, Verdict.WARNING)]
)
def test_spamassassin_is_asked_where_it_is_there(message: bytes, verdict: Verdict) -> None:
    finding = spam_finding(message)
    assert finding.code == "spam"
    assert finding.verdict == verdict, finding.detail
    assert finding.detail["program"] == "SpamAssassin"
    assert ("GTUBE" in str(finding.detail["rules"])) == (verdict == Verdict.WARNING)
