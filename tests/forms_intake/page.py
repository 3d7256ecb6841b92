"""What a browser makes of a form page: its fields, and what it posts."""

from datetime import timedelta
from typing import Any

from bs4 import BeautifulSoup, Tag

from tests.conftest import NOW
from tests.forms_intake.cast import ALICE

LATER = NOW + timedelta(minutes=5)


def parse(html: bytes | str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def one(root: Tag, selector: str) -> Tag:
    found = root.select_one(selector)
    assert found is not None, selector
    return found


def form_of(html: bytes | str) -> Tag:
    return one(parse(html), "form")


def fields_of(html: bytes | str) -> dict[str, Any]:
    """What the form would post untouched: unticked boxes say nothing."""
    posted: dict[str, Any] = {}
    for control in form_of(html).find_all(["input", "textarea", "select"]):
        name, kind = str(control.get("name")), control.get("type")
        if kind == "checkbox":
            if control.has_attr("checked"):
                posted.setdefault(name, []).append(str(control["value"]))
        elif control.name == "select":
            chosen = control.find("option", selected=True)
            posted[name] = str(chosen["value"]) if chosen else ""
        elif control.name == "textarea":
            posted[name] = control.text.removeprefix("\n")
        else:
            posted[name] = str(control.get("value", ""))
    return posted


def filled(html: bytes | str, **changes: Any) -> dict[str, Any]:
    """What Alice posts, a minute after the page was shown."""
    shown = fields_of(html)
    if "started" in shown:
        shown["started"] = str(int(shown["started"]) - 60)
    return {**shown, "email": ALICE, "family_name": "Martin", **changes}
