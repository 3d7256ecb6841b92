"""Runs Wapiti, a scanner of web pages, and reads what it found.

It lives in an environment of its own (deploy/lock/scan.txt), for it pins an older cryptography.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NEEDED = "The scan of the public pages needs Wapiti: make needs"
# Those that ask a server of Wapiti's makers outside (ssrf, xxe, log4shell, spring4shell, wapp, htp,
# takeover, ssl) or look for products that we are not (cms, network_device, wp_enum) stay out; SSRF
# and external entities have tests of their own, for no parser of the public side follows either.
MODULES = (
    *("backup", "cookieflags", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers"),
    *("ldap", "methods", "permanentxss", "redirect", "shellshock", "sql", "upload"),
    "xss",
)
MINUTES = 5


@dataclass(frozen=True)
class Finding:
    kind: str
    path: str
    what: str


def find_wapiti() -> Path | None:
    program = Path(sys.prefix) / "scan" / "bin" / "wapiti"
    return program if program.exists() else None


def scan(
    program: Path, *, urls: Sequence[str], folder: Path, modules: Sequence[str] = MODULES
) -> tuple[list[Finding], int]:
    """Return what it found and how many pages it looked at; raises what the program fails with."""
    report = folder / "report.json"
    first, *others = urls
    command = [str(program), "--url", first, "--scope", "domain", "--module", ",".join(modules)]
    for url in others:
        command += ["--start", url]
    command += ["--format", "json", "--output", str(report), "--no-bugreport", "--flush-session"]
    command += ["--store-session", str(folder), "--store-config", str(folder)]
    command += ["--max-scan-time", "60", "--max-attack-time", "30", "--timeout", "10"]
    subprocess.run(
        command, check=True, capture_output=True, timeout=MINUTES * 60, env={"HOME": str(folder)}
    )
    said = json.loads(report.read_text(encoding="utf-8"))
    found = [
        Finding(kind, each["path"], each["info"])
        for group in ("vulnerabilities", "anomalies")
        for kind, rows in said[group].items()
        for each in rows
    ]
    return found, int(said["infos"]["crawled_pages_nbr"])
