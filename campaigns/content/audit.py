"""Reads what the engine made, as a mail reader would, and refuses whatever would act or fetch.

The linter judged the template; this judges the result, by another way, so that a gap in one of
them is not a hole in the mail.
"""

import re
from html.parser import HTMLParser

from campaigns.content import safe_html

_CONDITIONAL_ENDS = re.compile(r"<!--\[if[^\]]*\]>(?:<!-->|-->)?|<!--<!\[endif\]-->|<!\[endif\]-->")
_STRUCTURE = frozenset({"html", "head", "body", "title", "meta", "style", "noscript", "xml"})
_OUTLOOK = re.compile(r"[ovw]:[a-z0-9]+")
# The check box with which the engine opens a menu and a carousel without a script.
_WITHOUT_SCRIPT = frozenset({"input", "label"})
_CHECK_BOXES = frozenset({"checkbox", "radio"})
_FETCHES = frozenset(
    {"src", "srcset", "background", "poster", "data", "action", "formaction", "ping", "cite"}
)


def offences(html: str, *, own: tuple[str, ...]) -> list[str]:
    """What is in the mail and may not be, each named by its tag or attribute; empty if clean."""
    auditor = _Auditor(own)
    auditor.feed(_CONDITIONAL_ENDS.sub("", html))
    auditor.close()
    return sorted(set(auditor.found))


class _Auditor(HTMLParser):
    def __init__(self, own: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self._own = own
        self._tag = ""
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        if not (
            tag in safe_html.TAGS | _STRUCTURE | _WITHOUT_SCRIPT or _OUTLOOK.fullmatch(tag)
        ) or self._is_field_for_typing(tag, attrs):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if not self._is_harmless(tag, name, value or ""):
                self.found.append(f"{tag} {name}")

    def _is_field_for_typing(self, tag: str, attrs: list[tuple[str, str | None]]) -> bool:
        return tag == "input" and dict(attrs).get("type") not in _CHECK_BOXES

    def _is_harmless(self, tag: str, name: str, value: str) -> bool:
        if name.startswith("on"):
            return False
        if name == "http-equiv":
            return value.lower() in ("x-ua-compatible", "content-type")
        if name == "href":
            return tag in ("a", "v:roundrect", "v:rect") and safe_html.is_safe_link(value)
        if name in _FETCHES:
            return all(
                safe_html.is_safe_image(each.split()[0], self._own)
                for each in (value.split(",") if name == "srcset" else [value])
                if each.strip()
            )
        return name != "style" or not safe_html.css_problem(value, self._own)

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "style" and safe_html.css_problem(data, self._own):
            self.found.append("<style>")

    def handle_comment(self, data: str) -> None:
        # Comments were taken out before; only half of a conditional one could be left.
        if "<" in data or "[if" in data:
            self.found.append("<!-- -->")

    def unknown_decl(self, data: str) -> None:
        self.found.append("<![ ]>")

    def handle_pi(self, data: str) -> None:
        self.found.append("<? ?>")
