"""Each app is entered by its `services` module alone; import-linter keeps the direction."""

import ast
from pathlib import Path

from tests.house.test_rules import FLOORS, ROOT, SOURCES


def _imports(path: Path) -> list[str]:
    """The modules of ours that a file imports, in full: `from a import b` may mean module a.b."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            is_package = node.module in FLOORS
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += names if is_package else [node.module]
    return [name for name in found if name.split(".")[0] in FLOORS]


def test_no_app_is_entered_but_by_its_door() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        for name in _imports(path)
        if name.split(".")[0] != path.relative_to(ROOT).parts[0]
        and name.split(".")[1:2] != ["services"]
    ]
    assert not wrong


def test_a_door_holds_what_it_offers_and_says_so() -> None:
    for floor in FLOORS[:-1]:
        tree = ast.parse((ROOT / floor / "services.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), floor
        offered = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        ]
        assert offered, f"{floor}.services names nothing in __all__"
