"""docs/segments.md says what the language has: not less, and not more."""

import json
import re
from pathlib import Path

from consent.services import REASONS
from crm.pages.segment_builder import MATCH_NAMES, OPERATOR_NAMES
from crm.segments import rules
from crm.segments.choices import STATUS_NAMES
from crm.segments.rules import FACTS, MATCHES, OPERATORS, parse
from crm.segments.waterfall import SENTENCES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "segments.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def _rows(title: str) -> list[list[str]]:
    lines = [line for line in _section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_fact_is_on_the_page_with_its_kind() -> None:
    documented = {row[0].strip("`"): row[2] for row in _rows("Facts")}
    assert documented == {name: str(fact.kind) for name, fact in FACTS.items()}


def test_every_operator_is_on_the_page() -> None:
    documented = [(row[0], row[1].strip("`")) for row in _rows("Operators")]
    assert documented == [(str(k), name) for k, names in OPERATORS.items() for name in names]


def test_every_match_status_and_reason_is_on_the_page() -> None:
    matches = [row[0].strip("`") for row in _rows("A tree of groups and rules")]
    assert matches == list(MATCHES)
    statuses = next(row[3] for row in _rows("Facts") if row[0] == "`status`")
    assert re.findall(r"`(\w+)`", statuses) == list(rules.STATUSES) == list(STATUS_NAMES)
    reasons = [row[0].strip("`") for row in _rows("How many, and who can be reached")]
    assert reasons == [code for code in SENTENCES if code != "suppressed"]
    assert set(reasons) <= set(SENTENCES) | set(REASONS)


def test_the_limits_are_those_of_the_code() -> None:
    limits = _section("Limits and errors")
    for said in (
        f"{rules.RULES_MAX} rules",
        f"{rules.DEPTH_MAX} groups deep",
        f"{rules.VALUES_MAX} values",
    ):
        assert said in limits
    assert f"1 to {rules.DAYS_MAX}" in _section("Operators")


def test_every_example_is_in_the_language() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        parse(json.loads(example))


def test_the_builder_has_words_for_the_whole_language() -> None:
    assert list(MATCH_NAMES) == list(MATCHES)
    assert set(OPERATOR_NAMES) == {name for names in OPERATORS.values() for name in names}
