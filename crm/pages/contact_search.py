"""A page of those who were found: the search knows words, the database knows facets."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crm.contacts import ContactFilter
from crm.models import Contact
from crm.search.asking import Match, SearchStatus, find_contacts

PAGE_SIZE = 50
# Where the filters leave few of many, so many are looked at before the page asks to go on.
NARROWED_SIZE, NARROWED_TIMES = 500, 4


@dataclass(frozen=True)
class FoundPage:
    """The best matches that pass the filters; `following` is the place behind the last seen."""

    rows: Sequence[Contact]
    following: str
    is_cut: bool
    status: SearchStatus


def page_of_found(*, words: str, chosen: ContactFilter, after: str) -> FoundPage:
    """Return the next page of who was found. Raises SearchDown and NotASearch."""
    is_narrowed = chosen != ContactFilter()
    size, times = (NARROWED_SIZE, NARROWED_TIMES) if is_narrowed else (PAGE_SIZE, 1)
    seen: list[tuple[Match, Contact]] = []
    for _time in range(times):
        answer = find_contacts(text=words, limit=size, after=after)
        rows = _rows([match.contact_id for match in answer.matches], chosen)
        seen += [
            (match, rows[match.contact_id]) for match in answer.matches if match.contact_id in rows
        ]
        following = answer.matches[-1].place if answer.has_more else ""
        if len(seen) > PAGE_SIZE or not following:
            break
        after = following
    if len(seen) > PAGE_SIZE:
        following = seen[PAGE_SIZE - 1][0].place
    shown = [row for _match, row in seen[:PAGE_SIZE]]
    return FoundPage(shown, following, answer.is_cut, answer.status)


def _rows(ids: Sequence[UUID], chosen: ContactFilter) -> dict[UUID, Contact]:
    # The search hears of a restriction within an instant; a page asks the truth itself.
    return {row.id: row for row in chosen.rows().filter(id__in=ids, restricted_at=None)}
