"""The plain text part of a mail, read from its HTML: the words, the links, nothing else."""

import re
from html.parser import HTMLParser

# The ends of Outlook's conditional comments. What only Outlook sees repeats what is there already.
_ONLY_OUTLOOK = re.compile(r"<!--\[if[^\]!]*\]>.*?<!\[endif\]-->", re.DOTALL)
_CONDITIONAL_ENDS = re.compile(r"<!--\[if[^\]]*\]>(?:<!-->|-->)?|<!--<!\[endif\]-->|<!\[endif\]-->")
_UNREAD = {"head", "style", "script", "title"}
_BLOCKS = {"div", "p", "table", "tr", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"}
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote"}
_VOID = {"br", "hr", "img", "meta", "link", "input", "col", "wbr"}
# Pads the preview line of some mail readers.
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\ufeff\u034f\u00ad"))


def text_of(html: str) -> str:
    """Readable text with the address of each link beside its words."""
    reader = _Reader()
    reader.feed(_CONDITIONAL_ENDS.sub("", _ONLY_OUTLOOK.sub("", html)))
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._hidden: list[str] = []
        self._links: list[tuple[str, int, int]] = []
        self._is_apart = False

    def text(self) -> str:
        lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in self._lines)
        joined = "\n".join(line.translate(_INVISIBLE) for line in lines)
        return re.sub(r"\n{3,}", "\n\n", joined).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag not in _VOID:
                self._hidden.append(tag)
            return
        given = {name: value or "" for name, value in attrs}
        if tag in _UNREAD or re.search(r"display:\s*none", given.get("style", "")):
            if tag not in _VOID:
                self._hidden.append(tag)
            return
        self._open(tag, given)

    def _open(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self._lines.append("")
        elif tag == "hr":
            self._break(is_apart=True)
        elif tag == "img":
            self._say(given.get("alt", ""))
        elif tag == "li":
            self._break()
            self._say("- ")
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self._lines) - 1, len(self._lines[-1])))
        elif tag in _BLOCKS:
            self._break(is_apart=tag in _APART)
        elif tag in ("td", "th"):
            self._say(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
        elif tag == "a" and self._links:
            self._close_link(*self._links.pop())
        elif tag in _BLOCKS:
            self._break(is_apart=tag in _APART or tag == "table")

    def _close_link(self, href: str, line: int, column: int) -> None:
        words = " ".join([self._lines[line][column:], *self._lines[line + 1 :]]).strip()
        target = href.removeprefix("mailto:").removeprefix("tel:")
        if not href or href.startswith("#") or words == target:
            return
        # RFC 3986 appendix C: angle brackets, or a full stop becomes part of the address.
        self._say(f" <{target}>" if words else target)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._say(re.sub(r"\s+", " ", data))

    def _say(self, words: str) -> None:
        if self._lines[-1] or words.strip():
            self._lines[-1] += words

    def _break(self, *, is_apart: bool = False) -> None:
        if self._lines[-1].strip():
            self._lines.append("")
        if is_apart and len(self._lines) > 1 and self._lines[-2].strip():
            self._lines.append("")
