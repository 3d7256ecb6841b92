"""The inbox of leads: which are asked for, a page of them at a time by the last one seen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from crm.keyset import page_after, read_cursor
from crm.leads import STATES
from crm.models import Lead, LeadReminder

ALL, MINE, NOBODYS = "all", "mine", "nobody"
OWNERS = (ALL, MINE, NOBODYS)
NEWEST, BY_SCORE = "newest", "score"
PAGE = 50
_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCORE_CURSOR = re.compile(r"(-?[0-9]{1,5})~([0-9a-f]{32})")


@dataclass(frozen=True)
class Wanted:
    """What the inbox is narrowed to; what an address says wrongly is left out."""

    state: str = "new"
    owner: str = ALL
    form: str = ""
    is_overdue: bool = False
    order: str = NEWEST

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Wanted":
        state, owner = given.get("state", "new"), given.get("owner", ALL)
        form = given.get("form", "")
        return cls(
            state=state if state in STATES else ALL,
            owner=owner if owner in OWNERS else ALL,
            form=form if _FORM.fullmatch(form) else "",
            is_overdue=given.get("overdue") == "1",
            order=BY_SCORE if given.get("order") == BY_SCORE else NEWEST,
        )

    def query(self, **other: str) -> str:
        """This narrowing as part of an address, with some of it changed."""
        said = {
            "state": self.state,
            "owner": self.owner if self.owner != ALL else "",
            "form": self.form,
            "overdue": "1" if self.is_overdue else "",
            "order": self.order if self.order != NEWEST else "",
            **other,
        }
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def is_narrow(self) -> bool:
        return self.owner != ALL or bool(self.form) or self.is_overdue


@dataclass(frozen=True)
class InboxPage:
    rows: Sequence[Lead]
    # The rest of an address that leads to the next page; empty on the last one.
    following: str
    is_first: bool


def inbox(*, wanted: Wanted, account_id: UUID, after: str, now: datetime) -> InboxPage:
    """Return one page of leads, newest or best first; no COUNT, no OFFSET."""
    rows = _narrowed(wanted, account_id, now).select_related("assigned_to")
    if wanted.order == BY_SCORE:
        return _by_score(rows, after)
    cursor = read_cursor(after)
    page = page_after(rows, moment="received_at", cursor=cursor, size=PAGE)
    return InboxPage(page.rows, str(page.following or ""), cursor is None)


def _narrowed(wanted: Wanted, account_id: UUID, now: datetime) -> QuerySet[Lead]:
    rows = Lead.objects.all()
    if wanted.state != ALL:
        rows = rows.filter(state=wanted.state)
    if wanted.owner != ALL:
        rows = rows.filter(assigned_to=account_id if wanted.owner == MINE else None)
    if wanted.form:
        rows = rows.filter(form_code=wanted.form)
    if wanted.is_overdue:
        due = LeadReminder.objects.filter(lead=OuterRef("pk"), done_at=None, due_at__lte=now)
        rows = rows.filter(Exists(due))
    return rows


def _by_score(rows: QuerySet[Lead], after: str) -> InboxPage:
    found = _SCORE_CURSOR.fullmatch(after)
    if found is not None:
        score, number = int(found[1]), UUID(hex=found[2])
        # As two conditions, so that an index on (score, id) is entered at the right place.
        rows = rows.filter(score__lte=score).exclude(score=score, id__gte=number)
    shown = list(rows.order_by("-score", "-id")[: PAGE + 1])
    following = ""
    if len(shown) > PAGE:
        shown = shown[:PAGE]
        following = f"{shown[-1].score}~{shown[-1].id.hex}"
    return InboxPage(shown, following, found is None)
