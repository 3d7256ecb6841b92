"""What the rule language refuses, and where it says the mistake is."""

from typing import Any

import pytest

from crm.segments.rules import DEPTH_MAX, RULES_MAX, VALUES_MAX, parse
from crm.services import InvalidRules

FINE = {"fact": "language", "is": "one_of", "value": ["fr"]}


def tree(*rules: Any, match: str = "all") -> dict[str, Any]:
    return {"match": match, "rules": list(rules)}


def nested(depth: int) -> dict[str, Any]:
    return tree(FINE) if depth == 1 else tree(nested(depth - 1))


def rule(fact: object, operator: object, value: object) -> dict[str, Any]:
    return {"fact": fact, "is": operator, "value": value}


WRONG: list[tuple[Any, str]] = [
    ([], ""),
    ("everybody", ""),
    ({"match": "all"}, ""),
    ({**tree(FINE), "sql": "1=1"}, ""),
    (tree(FINE, match="some"), "match"),
    ({"match": ["all"], "rules": []}, "match"),
    ({"match": "all", "rules": "x"}, "rules"),
    (tree(FINE, 7), "rules.1"),
    (tree(FINE, {**FINE, "or": "TRUE"}), "rules.1"),
    (tree(FINE, tree()), "rules.1.rules"),
    (nested(DEPTH_MAX + 1), ".".join(["rules.0"] * DEPTH_MAX)),
    (tree(*[FINE] * (RULES_MAX + 1)), f"rules.{RULES_MAX}"),
    (tree(tree(*[FINE] * RULES_MAX), FINE), "rules.1"),
    (tree(rule("password", "one_of", ["x"])), "rules.0.fact"),
    (tree(rule(["language"], "one_of", ["x"])), "rules.0.fact"),
    (tree(rule("c.language", "one_of", ["x"])), "rules.0.fact"),
    (tree(FINE, rule("language", "all_of", ["fr"])), "rules.1.is"),
    (tree(FINE, rule("language", "= ANY", ["fr"])), "rules.1.is"),
    (tree(FINE, rule("created", "one_of", ["fr"])), "rules.1.is"),
    (tree(FINE, rule("language", {}, ["fr"])), "rules.1.is"),
    (tree(FINE, rule("language", "one_of", "fr")), "rules.1.value"),
    (tree(FINE, rule("language", "one_of", [])), "rules.1.value"),
    (tree(FINE, rule("language", "one_of", ["fr", 3])), "rules.1.value"),
    (tree(FINE, rule("language", "one_of", ["French"])), "rules.1.value"),
    (tree(FINE, rule("country", "one_of", ["fr"])), "rules.1.value"),
    (tree(FINE, rule("status", "one_of", ["asleep"])), "rules.1.value"),
    (tree(FINE, rule("source", "one_of", [""])), "rules.1.value"),
    (tree(FINE, rule("source", "one_of", ["a\x00"])), "rules.1.value"),
    (tree(FINE, rule("source", "one_of", ["\ud800"])), "rules.1.value"),
    (tree(FINE, rule("source", "one_of", ["s" * 65])), "rules.1.value"),
    (tree(FINE, rule("source", "one_of", ["s"] * (VALUES_MAX + 1))), "rules.1.value"),
    (tree(FINE, rule("tag", "one_of", ["a b"])), "rules.1.value"),
    (tree(FINE, rule("form", "one_of", ["a;b"])), "rules.1.value"),
    (tree(FINE, rule("campaign", "one_of", ["spring"])), "rules.1.value"),
    (tree(FINE, rule("permission", "one_of", ["news letter"])), "rules.1.value"),
    (tree(FINE, rule("has_phone", "equal", "true")), "rules.1.value"),
    (tree(FINE, rule("has_phone", "equal", 1)), "rules.1.value"),
    (tree(FINE, rule("created", "in_last_days", 0)), "rules.1.value"),
    (tree(FINE, rule("created", "in_last_days", True)), "rules.1.value"),
    (tree(FINE, rule("created", "in_last_days", 10**9)), "rules.1.value"),
    (tree(FINE, rule("created", "in_last_days", "30")), "rules.1.value"),
    (tree(FINE, rule("created", "before", 20260101)), "rules.1.value"),
    (tree(FINE, rule("created", "before", "20260101")), "rules.1.value"),
    (tree(FINE, rule("created", "before", "2026-02-30")), "rules.1.value"),
    (tree(FINE, rule("created", "before", "0001-01-01")), "rules.1.value"),
    (tree(FINE, rule("created", "after", "9999-12-31")), "rules.1.value"),
    (tree(FINE, rule("created", "after", "２０２６-01-01")), "rules.1.value"),
    (tree(FINE, tree(FINE, rule("tag", "one_of", [[]]))), "rules.1.rules.1.value"),
]


@pytest.mark.parametrize(("rules", "path"), WRONG)
def test_what_is_not_in_the_language_is_refused_where_it_stands(rules: Any, path: str) -> None:
    with pytest.raises(InvalidRules) as refused:
        parse(rules)
    assert refused.value.path == path
    assert str(refused.value.reason)


@pytest.mark.parametrize("rules", [None, {}, tree(), tree(match="none"), nested(DEPTH_MAX)])
def test_what_is_in_the_language_is_read(rules: Any) -> None:
    parse(rules)
