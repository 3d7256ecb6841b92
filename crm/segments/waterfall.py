"""How many are in a segment, and who of them can be reached for a purpose, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.services import REASONS
from crm.segments.compile import membership

_SQL = Path(__file__).parent.parent / "sql" / "waterfall.sql"
_WATERFALL = _SQL.read_text(encoding="utf-8")

# In the order of the ladder: who stumbles on an earlier step is counted there alone.
SENTENCES: Mapping[str, Promise] = {
    "no_address": _("There is no address for this channel."),
    "restricted": _("The person asked that their data be left unused."),
    "unreachable": _("The address bounced for good."),
    "too_soon": _("The person asked to hear from us less often."),
    **{code: text for code, text in REASONS.items() if not code.startswith("permitted")},
}


@dataclass(frozen=True)
class WaterfallStep:
    reason_code: str
    sentence: Promise
    contacts: int


@dataclass(frozen=True)
class Waterfall:
    """members = the contacts of all steps + reachable, always."""

    members: int
    steps: list[WaterfallStep]
    reachable: int


def count_members(*, rules: Mapping[str, Any] | None, now: datetime) -> int:
    """Return how many contacts are in a segment now; raises InvalidRules."""
    statement, parameters = membership(rules=rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({statement}) members", parameters)  # noqa: S608
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def waterfall(
    *, rules: Mapping[str, Any] | None, purpose_code: str, channel: str, now: datetime
) -> Waterfall:
    """Return who of a segment may be reached for a purpose, and who not and why.

    One statement, so that everybody is judged by one state of the world. Raises InvalidRules.
    """
    statement, parameters = membership(rules=rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            _WATERFALL.replace("{membership}", statement), [purpose_code, channel, now, *parameters]
        )
        counts: dict[str | None, int] = dict(cursor.fetchall())
    steps = [
        WaterfallStep(code, sentence, counts[code])
        for code, sentence in SENTENCES.items()
        if code in counts
    ]
    return Waterfall(sum(counts.values()), steps, counts.get(None, 0))
