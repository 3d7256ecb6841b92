"""The terms of the Data Privacy Vocabulary that may be written, as its authors publish them.

`terms.json` says where each name comes from. A record that used a word of our own in their
namespace would look standard and be none, so a test compares everything that is written with it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("terms.json")
_PURPOSES = "2.2/dpv/modules/purposes.csv"


@cache
def _modules() -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["modules"]
    return modules


@cache
def terms() -> dict[str, str]:
    """Return the label of every known term, by its full IRI."""
    return {
        module["namespace"] + name: label
        for module in _modules()
        for name, label in module["terms"].items()
    }


@cache
def purpose_terms() -> dict[str, str]:
    """Return the label of every purpose of the vocabulary, by its full IRI."""
    [module] = [module for module in _modules() if module["path"] == _PURPOSES]
    return {
        module["namespace"] + name: label
        for name, label in module["terms"].items()
        if name[0].isupper() and name not in {"Purpose", "Sector"}
    }
