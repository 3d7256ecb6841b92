"""Whatever asks for a second person asks for something that a second person can decide."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from crm.approval_kinds import approval_kind
from crm.models import Role
from privacy.services import key_schedule_reference
from privacy.vault import audit, destruction

ROOT = Path(__file__).parents[3]
APPS = ("privacy", "consent", "crm", "campaigns", "forms_intake", "deploy")
# These two are given the kind by their callers: a command line, which knows registered kinds alone,
# and the commands of keys, whose kinds are below.
_PASSED_ON = {"crm.approving", "privacy.management.commands.keys"}


def _asked() -> Iterator[tuple[str, str]]:
    """Yield (module, kind) of every call of request_approval in the product."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) == "request_approval":
                    kind = next(each.value for each in node.keywords if each.arg == "kind")
                    yield module, _value(module, kind)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _value(module: str, kind: ast.expr) -> str:
    if isinstance(kind, ast.Constant):
        return str(kind.value)
    assert isinstance(kind, ast.Name), f"{module}: name the kind by a constant"
    if kind.id == "kind" and module in _PASSED_ON:
        return ""
    return str(getattr(import_module(module), kind.id))


def test_every_kind_that_is_asked_for_is_registered() -> None:
    asked = list(_asked())
    assert {module for module, kind in asked if not kind} == _PASSED_ON
    kinds = {kind for _module, kind in asked if kind}
    kinds |= {audit.KIND, destruction.DESTRUCTION, destruction.SCHEDULE}
    assert {"export", "factor_reset", "read_more", "key_loss"} <= kinds
    for code in kinds:
        kind = approval_kind(code)
        assert kind.deciders
        assert kind.askers, code
        assert set(kind.deciders + kind.askers) <= set(Role.values)


@pytest.mark.parametrize(
    ("code", "reference"),
    [
        (destruction.DESTRUCTION, destruction.destruction_reference(epoch=7)),
        (destruction.SCHEDULE, key_schedule_reference()),
    ],
)
def test_what_is_asked_for_here_is_what_the_keys_go_by(
    code: str, reference: dict[str, str | int]
) -> None:
    kind = approval_kind(code)
    kind.check(reference)
    assert "?" not in str(list(kind.describe(reference)))
