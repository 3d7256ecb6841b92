"""What the product is made of, and whether anybody knows a hole in it.

`python -m deploy.supply_chain sbom` writes the bill of materials (CycloneDX 1.6) from the lock and
from the vendored browser libraries; `make lock` does it. `python -m deploy.supply_chain audit`
(`make audit`) asks the OSV database about each part: 0 nothing known, 1 something known, 2 nobody
could be asked, which is not the same as nothing known.
"""

import base64
import json
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from deploy.vendor import PACKAGES

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "deploy" / "lock" / "runtime.txt"
BILL = ROOT / "deploy" / "lock" / "sbom.cdx.json"
ACCEPTED = ROOT / "deploy" / "lock" / "accepted.toml"
OSV = "https://api.osv.dev/v1/query"
TIMEOUT_SECONDS = 15
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2
Bill = dict[str, Any]


class NobodyToAsk(Exception):
    """The database of known vulnerabilities could not be asked."""


@dataclass(frozen=True)
class Hole:
    """A known vulnerability of one part."""

    part: str
    version: str
    id: str
    aliases: tuple[str, ...]


# --- the bill of materials -------------------------------------------------------------------


def bill_of_materials() -> Bill:
    """Return the bill: every locked package with its digests, every vendored browser library."""
    command = [str(Path(sys.executable).with_name("cyclonedx-py")), "requirements", str(LOCK)]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    done = subprocess.run([*command, "--sv", "1.6"], check=True, capture_output=True, text=True)
    bill: Bill = json.loads(done.stdout)
    for tool in bill["metadata"].get("tools", {}).get("components", []):
        tool.pop("externalReferences", None)
    bill["components"] = [*map(_as_kept, bill["components"]), *_vendored()]
    # The main component depends on all of them: the lock does not say who brought whom.
    main = bill["metadata"]["component"]["bom-ref"]
    refs = sorted(each["bom-ref"] for each in bill["components"])
    bill["dependencies"] = [{"ref": main, "dependsOn": refs}, *({"ref": ref} for ref in refs)]
    return bill


def _as_kept(component: Bill) -> Bill:
    """Named by what it is and not by its line or by the host it was fetched from."""
    kept = {key: value for key, value in component.items() if key != "description"}
    kept["bom-ref"] = component["purl"]
    kept["externalReferences"] = [
        {**reference, "url": component["purl"]}
        for reference in component.get("externalReferences", [])
        if reference["type"] == "distribution"
    ]
    return kept


def _vendored() -> Iterator[Bill]:
    for package in PACKAGES:
        group, _, name = package.name.rpartition("/")
        purl = f"pkg:npm/{package.name.replace('@', '%40')}@{package.version}"
        digest = base64.b64decode(package.sha512).hex()
        yield {
            "bom-ref": purl,
            "type": "library",
            **({"group": group} if group else {}),
            "name": name,
            "version": package.version,
            "purl": purl,
            "hashes": [{"alg": "SHA-512", "content": digest}],
        }


def write_bill() -> None:
    text = json.dumps(bill_of_materials(), indent=1, sort_keys=True, ensure_ascii=False)
    BILL.write_text(text + "\n", encoding="utf-8")


# --- known holes -----------------------------------------------------------------------------


def known_holes(*, osv: str) -> list[Hole]:
    """Ask about every part of the lock and of the browser libraries; raises NobodyToAsk."""
    return [*_python_holes(osv), *_browser_holes(osv)]


def _python_holes(osv: str) -> Iterator[Hole]:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes"]
    command += ["--disable-pip", "--vulnerability-service", "osv", "--osv-url", osv]
    command += ["--format", "json", "--progress-spinner", "off", "--desc", "off"]
    command += ["--timeout", str(TIMEOUT_SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise NobodyToAsk("pip-audit got no answer") from None
    for part in said["dependencies"]:
        if "skip_reason" in part:
            raise NobodyToAsk(f"{part['name']}: {part['skip_reason']}")
        for hole in part["vulns"]:
            aliases = tuple(hole.get("aliases", ()))
            yield Hole(part["name"], part["version"], hole["id"], aliases)


def _browser_holes(osv: str) -> Iterator[Hole]:
    for package in PACKAGES:
        question = {
            "package": {"ecosystem": "npm", "name": package.name},
            "version": package.version,
        }
        said = _asked(osv, question)
        if "next_page_token" in said:
            raise NobodyToAsk("the answer was cut, and the rest is not known")
        for hole in said.get("vulns", []):
            aliases = tuple(hole.get("aliases", ()))
            yield Hole(package.name, package.version, hole["id"], aliases)


def _asked(osv: str, question: Bill) -> Bill:
    request = urllib.request.Request(  # noqa: S310 - the address is OSV's, or a test's
        osv, json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            found: Bill = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise NobodyToAsk(type(error).__name__) from None
    return found


def accepted(*, today: date, path: Path = ACCEPTED) -> frozenset[str]:
    """Return the ids that somebody looked at and accepted until a day that is not over."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    return frozenset(row["id"] for row in rows if row["until"] >= today and row["reason"])


def audit(*, osv: str = OSV, today: date, path: Path = ACCEPTED) -> int:
    """Say what is known; returns CLEAN, VULNERABLE or UNKNOWN."""
    try:
        found = known_holes(osv=osv)
    except NobodyToAsk as error:
        _say(f"UNKNOWN: nobody could be asked about known vulnerabilities ({error}).")
        return UNKNOWN
    ours = accepted(today=today, path=path)
    open_ones = [hole for hole in found if not ours & {hole.id, *hole.aliases}]
    for hole in open_ones:
        _say(f"{hole.part} {hole.version}: {', '.join((hole.id, *hole.aliases))}")
    _say(f"{len(open_ones)} known and open, {len(found) - len(open_ones)} accepted until a day.")
    return VULNERABLE if open_ones else CLEAN


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["sbom"]:
            write_bill()
            return CLEAN
        case ["audit", *rest]:
            return audit(osv=rest[0] if rest else OSV, today=datetime.now(UTC).date())
    _say("Usage: python -m deploy.supply_chain sbom | audit [address of an OSV service]")
    return UNKNOWN


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
