"""The gate in Python: the same functions of the database that sending asks, and its reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.addresses import Reach, marks_of
from consent.legal_rules import legal_rule
from consent.models import Channel, LedgerEvent, Permission
from consent.reasking import ask_again_at

_REACHABLE = "\n".join(
    line
    for line in (Path(__file__).parent / "sql" / "reachable.sql").read_text("utf-8").splitlines()
    if not line.startswith("--")
)
REASONS: dict[str, Promise] = {
    "permitted_consent": _("The person said yes."),
    "permitted_interest": _("The person was informed and did not object."),
    "no_permission": _("The person has given no answer to this."),
    "not_confirmed": _("The person has not confirmed by e-mail yet."),
    "refused": _("The person did not want this."),
    "withdrawn": _("The person withdrew their consent."),
    "expired": _("The person's consent has expired."),
    "objected": _("The person objected."),
    "not_informed": _("The person was not told yet where we have their data from."),
    "just_informed": _("The person was told a few days ago and may still object."),
    "on_pause": _("The person asked for a pause."),
    "purpose_retired": _("This purpose is no longer in use."),
    "not_prevailing": _("Our interest was found not to prevail over the person's."),
    "suppressed": _("A no is kept for this address."),
}
_SAID_NO = frozenset({"refused", "withdrawn", "objected"})


@dataclass(frozen=True)
class Explanation:
    """Why a person may or may not be reached; `event_id` is the record that it rests on.

    `seq` is that record's number in the ledger, `form_code` and the notice are its own.
    """

    is_permitted: bool
    reason_code: str
    sentence: Promise
    since: datetime | None = None
    form_code: str = ""
    notice_version: int | None = None
    event_id: UUID | None = None
    seq: int | None = None
    notice_id: UUID | None = None
    # When a form may ask for it again, of somebody who said no; nothing is sent by then.
    ask_again_at: datetime | None = None


@dataclass(frozen=True)
class LedgerLine:
    """One event as a contact's page lists it."""

    record_id: UUID
    at: datetime
    purpose_code: str
    channel: str
    state: str
    basis: str
    method: str
    form_code: str
    notice_version: int | None


def permits(*, subject_ids: Sequence[UUID], purpose_code: str, channel: str) -> set[UUID]:
    """Return those who may be reached, by the function that the sending statement asks too."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT s FROM unnest(%s::uuid[]) s WHERE consent_permits(s, %s, %s)",
            [list(subject_ids), purpose_code, channel],
        )
        return {row[0] for row in cursor.fetchall()}


def reachable(
    *, people: Mapping[UUID, Reach], purpose_code: str, channel: str
) -> dict[UUID, str | None]:
    """Return, for each of many people, why they may not be reached; None: they may.

    Their addresses are given, because the suppression list is kept by fingerprint. Besides the
    codes of REASONS: `no_address`. Every list of people and every export asks here; a campaign asks
    the same functions in its own statement (campaigns/sql/gate.sql). Reads only, one statement.
    """
    if not people:
        return {}
    marks = marks_of(list(people.values()))
    parameters: dict[str, Any] = {
        "ids": list(people),
        "emails": [each.email.marks if each.email else b"" for each in marks],
        "phones": [each.phone.marks if each.phone else b"" for each in marks],
        "purpose": purpose_code,
        "channel": channel,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_REACHABLE, parameters)
        found: dict[UUID, str | None] = dict(cursor.fetchall())
    return {
        subject: found[subject] if _has_address(reach, channel) else "no_address"
        for subject, reach in people.items()
    }


def _has_address(reach: Reach, channel: str) -> bool:
    if channel == Channel.POST:  # no address of this kind is kept here
        return True
    return bool(reach.email if channel == Channel.EMAIL else reach.phone)


def explain(*, subject_id: UUID, purpose_code: str, channel: str) -> Explanation:
    """Return the answer of the gate for one person in words, with what it rests on."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_refusal(%s, %s, %s)", [subject_id, purpose_code, channel])
        row = cursor.fetchone()
    code = row[0] if row else "no_permission"
    held = (
        Permission.objects.filter(subject_id=subject_id, purpose=purpose_code, channel=channel)
        .select_related("event__notice")
        .first()
    )
    if held is None:
        return Explanation(code is None, code or "no_permission", REASONS[code or "no_permission"])
    if code is None:
        is_interest = held.state.startswith("LegitimateInterest")
        code = "permitted_interest" if is_interest else "permitted_consent"
    return Explanation(
        code.startswith("permitted"),
        code,
        REASONS[code],
        held.since,
        held.event.form_code,
        held.event.notice.version if held.event.notice else None,
        held.event.record_id,
        held.event.seq,
        held.event.notice_id,
        _ask_again_at(held.since) if code in _SAID_NO else None,
    )


def _ask_again_at(said_no_at: datetime) -> datetime:
    months = int(legal_rule(code="reask.months", at=said_no_at))
    return ask_again_at(said_no_at, months=months)


def history(*, subject_id: UUID) -> list[LedgerLine]:
    """Return what the ledger holds of a person, newest first; at most 200 lines."""
    rows = LedgerEvent.objects.filter(subject_id=subject_id).select_related("notice")
    return [
        LedgerLine(
            row.record_id,
            row.event_at,
            row.purpose_id,
            row.channel,
            row.event_state,
            row.basis,
            row.method,
            row.form_code,
            row.notice.version if row.notice else None,
        )
        for row in rows.order_by("-event_at", "-seq")[:200]
    ]
