"""The gate of an export, part by part: while the file is made, and again at every download."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections

from consent.services import Basis, Channel, Reach, consent_wanted, reachable
from crm.calling_hours import CALLS_MOST, CALLS_WITHIN
from crm.models import Export
from crm.people import Profile, profiles
from crm.segments.compile import membership

PART_ROWS = 500
_SQL = Path(__file__).parent.parent / "sql" / "export_part.sql"
_PART = "\n".join(
    line for line in _SQL.read_text(encoding="utf-8").splitlines() if not line.startswith("--")
)


@dataclass(frozen=True, repr=False)
class Judged:
    """One person of a part: whom we may name, or why not. No repr: identities are never printed."""

    contact_id: UUID
    refusal: str | None
    language: str
    profile: Profile | None


def judge_next(*, export: Export, now: datetime) -> list[Judged]:
    """Return the next PART_ROWS people of an export behind the last one looked at; [] at its end.

    Reads only. Everybody is judged by the database, and whoever passes by the suppression list.
    """
    statement, parameters = membership(rules=export.rules, now=export.requested_at)
    named: dict[str, Any] = {f"member{n}": value for n, value in enumerate(parameters)}
    for name in named:
        statement = statement.replace("%s", f"%({name})s", 1)
    rows = _ladder(export, statement, named, after=export.looked_at_id, now=now)
    people = profiles(contact_ids=[number for number, refusal, _lang in rows if refusal is None])
    said = {number: Reach(one.email, one.phone) for number, one in people.items()}
    refused = _by_address(export, said)
    return [
        Judged(
            number,
            refusal or refused.get(number, "unreadable"),
            language or "",
            people.get(number),
        )
        for number, refusal, language in rows
    ]


def still_permitted(*, export: Export, people: dict[UUID, Reach], now: datetime) -> set[UUID]:
    """Return who of a part may be reached at this moment; a "no" since it was made counts."""
    statement = "SELECT unnest(%(ids)s::uuid[]) AS id"
    rows = _ladder(export, statement, {"ids": list(people)}, after=None, now=now)
    passed = {number for number, refusal, _language in rows if refusal is None}
    refused = _by_address(export, {number: people[number] for number in passed})
    return {number for number in passed if refused[number] is None}


def _ladder(
    export: Export, people: str, named: dict[str, Any], *, after: UUID | None, now: datetime
) -> Sequence[tuple[UUID, str | None, str | None]]:
    asked = {
        "after": after,
        "size": PART_ROWS,
        "asked_at": export.requested_at,
        "now": now,
        "purpose": export.purpose_id,
        "channel": export.channel,
        "consent": Basis.CONSENT.value,
        "consumers": consent_wanted(channel=Channel.PHONE, is_professional=False, now=now),
        "professionals": consent_wanted(channel=Channel.PHONE, is_professional=True, now=now),
        "calls_since": now - CALLS_WITHIN,
        "calls_most": CALLS_MOST,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_PART.replace("{people}", people), {**asked, **named})
        rows: list[tuple[UUID, str | None, str | None]] = cursor.fetchall()
    return rows


def _by_address(export: Export, people: dict[UUID, Reach]) -> dict[UUID, str | None]:
    return reachable(people=people, purpose_code=export.purpose_id, channel=export.channel)
