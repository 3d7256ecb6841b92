"""The documents name what is there: files, targets, states, purposes, actions."""

import re
from pathlib import Path

import pytest

from campaigns.models import DeliveryState
from campaigns.pages import labels
from consent import decisions
from consent.folding import CONFIRMED_METHODS
from consent.legal_rules import RULES
from consent.models import Basis, LedgerEvent
from consent.purposes import PURPOSES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
_PATH = re.compile(
    r"`((?:privacy|consent|crm|forms_intake|campaigns|deploy|tests|docs)/[^`\s*<>]+)`"
)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _cells(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_file_of_a_page_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / target for target in _LINK.findall(text)]
    named = [ROOT / target for target in _PATH.findall(text)]
    assert [str(path) for path in (*linked, *named) if not path.exists()] == []


def test_the_readme_lists_the_targets_of_make() -> None:
    described = dict(re.findall(r"^([a-z-]+):.*## (.+)$", _text("Makefile"), re.MULTILINE))
    listed = {
        row[0].strip("`").removeprefix("make ") for row in _cells(_text("README.md"), "`make`")
    }
    assert listed == described.keys() - {"help"}


def test_the_ledger_of_deliveries_is_described_as_it_is() -> None:
    page = _text("docs/delivery.md")
    states = {row[0] for row in _cells(page, "States")}
    assert states == {f"{state.value} `{state.label}`" for state in DeliveryState}
    halts = {row[0].strip("`") for row in _cells(page, "When a campaign stops by itself")}
    assert halts == labels._HALTS.keys()
    for statement in (ROOT / "campaigns" / "sql").glob("*.sql"):
        assert statement.name in page


def test_purposes_and_decisions_are_described_as_they_are() -> None:
    page = _text("docs/consent.md")
    listed = _cells(page, "Purposes")
    assert listed == [
        [
            f"`{each.code}`",
            str(each.number),
            f"`{each.iri.rpartition('#')[2]}`",
            ", ".join(each.channels),
            "yes" if each.is_marketing else "no",
            str(each.retention_days),
            ", ".join(f"`{basis}`" for basis in each.bases),
        ]
        for each in PURPOSES
    ]
    bases = {row[1].strip("`") for row in _cells(page, "Bases")}
    assert bases == set(Basis.values)
    rules = {row[0].strip("`"): row[1].strip("`") for row in _cells(page, "Rules of law")}
    assert rules == {code: rule.defaults[-1].value for code, rule in RULES.items()}
    actions = {row[0].strip("`") for row in _cells(page, "Decisions")}
    assert actions == decisions._ACTIONS.keys()
    assert all(f"`{method}`" in page for method in CONFIRMED_METHODS)


def test_every_column_of_the_ledger_is_described() -> None:
    named = {
        name
        for row in _cells(_text("docs/consent.md"), "The ledger")
        for name in re.findall(r"`(\w+)`", row[0])
    }
    assert named == {field.name for field in LedgerEvent._meta.concrete_fields}


def test_every_derived_key_is_on_the_page_of_formats() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "privacy").rglob("*.py"))
    used = {label.partition("|")[0] for label in re.findall(r'derived_key\(f?"([^"]+)"', sources)}
    page = _text("docs/formats/vault.md").replace("\\|", "|")
    assert used
    assert [label for label in used if f"`{label}|" not in page] == []
