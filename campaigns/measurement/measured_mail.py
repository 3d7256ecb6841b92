"""The measured twin of a frozen mail: the same words, links that pass by us, a picture at the end.

It exists beside the mail and is never made from it in place: whoever does not agree gets the mail
itself, without one byte of this. The plain text keeps its addresses as they are.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from campaigns.content.conditions import Fence
from campaigns.content.html_contexts import MARK, links_of
from campaigns.content.merge import Context, Segments, Slot

PICTURE_FIELD = "measured_picture"
_LONGEST = 2_048
_PICTURE = ('<img src="', '" width="1" height="1" alt="" style="border:0;width:1px;height:1px;">')


def link_field(position: int) -> str:
    """The name of a link's slot. No template can write it: it is in no list of fields."""
    return f"measured_link_{position}"


def is_redirectable(url: str) -> bool:
    """Return whether an address may be redirected to: http or https, a host, and nothing that
    two programs read in two ways (blanks, controls, backslashes, a name before the host)."""
    if len(url) > _LONGEST or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc


def trackable_links(html: Segments) -> list[str]:
    """The addresses that a measured mail passes by us, each once, in the order of the page.

    Not those with a field in them: they are a person's own, first of all the way to say no.
    """
    found = links_of(MARK.join(html.literals))
    return list(dict.fromkeys(url for _start, _end, url in found if _is_trackable(url)))


def _is_trackable(url: str) -> bool:
    return MARK not in url and is_redirectable(url)


class _Cut(NamedTuple):
    """A slot in the place of what stands from `start` to `end`, with literals around it."""

    start: int
    end: int
    slot: Slot | Fence
    before: str = ""
    after: str = ""


def measured(html: Segments, links: Sequence[str]) -> Segments:
    """Return the page with the picture, and with a slot for each of `links` (by position)."""
    page = MARK.join(html.literals)
    cuts = sorted([*_fields(html, page), *_links(page, links), _picture(page)])
    literals, at = [""], 0
    for cut in cuts:
        literals[-1] += page[at : cut.start] + cut.before
        literals.append(cut.after)
        at = cut.end
    literals[-1] += page[at:]
    return Segments(literals, [cut.slot for cut in cuts])


def _fields(html: Segments, page: str) -> Iterator[_Cut]:
    at = -1
    for number in html.order:
        at = page.index(MARK, at + 1)
        yield _Cut(at, at + 1, html.slots[number])


def _links(page: str, links: Sequence[str]) -> Iterator[_Cut]:
    positions = {url: position for position, url in enumerate(links)}
    for start, end, url in links_of(page):
        if url in positions:
            yield _Cut(start, end, Slot(link_field(positions[url]), "", Context.LINK))


def _picture(page: str) -> _Cut:
    end = page.lower().rfind("</body")
    at = end if end >= 0 else len(page)
    return _Cut(at, at, Slot(PICTURE_FIELD, "", Context.LINK), *_PICTURE)
