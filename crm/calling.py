"""The list of people whom staff may call to offer something, and what came of a call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.services import Basis, Channel, Reach, consent_wanted, reachable
from crm.calling_hours import CALLS_MOST, CALLS_WITHIN, may_call_consumer
from crm.contacts import ContactUnknown
from crm.models import Contact, TimelineEntry
from crm.people import Profile, profiles
from crm.segments.compile import membership
from crm.segments.waterfall import SENTENCES, Waterfall, WaterfallStep
from crm.timeline import add_timeline

PURPOSE = "phone_prospecting"
# Twice a page is looked at, so that a few suppressed numbers do not leave a page half empty.
PAGE, LOOKED_AT = 50, 100
REASONS: Mapping[str, Promise] = {
    **SENTENCES,
    "no_address": _("There is no telephone number."),
    "needs_consent": _("A consumer is called only with their consent."),
    "called_often": _("This consumer was called four times in thirty days already."),
}
_LINES = (Path(__file__).parent / "sql" / "calling.sql").read_text(encoding="utf-8").splitlines()
# Without its comments, whose percent signs would be placeholders.
_CALLING = "\n".join(line for line in _LINES if not line.startswith("--"))


@dataclass(frozen=True)
class CallLine:
    """Somebody who may be called; `is_now` is whether at this hour."""

    contact: Contact
    profile: Profile
    is_consent: bool
    is_now: bool
    last_called_at: datetime | None


@dataclass(frozen=True)
class CallList:
    """One page of a list. Those of the page whose number said no are counted, never shown."""

    lines: Sequence[CallLine]
    fall: Waterfall
    suppressed: int
    following: UUID | None


def call_list(*, rules: Mapping[str, Any] | None, after: UUID | None, now: datetime) -> CallList:
    """Return who of a segment may be called, a page at a time, and why the others may not.

    Asks the gate for everybody and, for the page, the suppression list by number and address.
    Reads only. Raises InvalidRules.
    """
    counts, candidates = _judged(rules, after, now)
    people = profiles(contact_ids=list(candidates))
    refusals = reachable(
        people={number: Reach(who.email, who.phone) for number, who in people.items()},
        purpose_code=PURPOSE,
        channel=Channel.PHONE,
    )
    shown: list[UUID] = []
    seen = suppressed = 0
    for number in candidates:
        if len(shown) == PAGE:
            break
        seen += 1
        if number in people and refusals[number] is None:
            shown.append(number)
        else:
            suppressed += 1
    looked = list(candidates)[:seen]
    has_more = seen < len(candidates) or len(candidates) == LOOKED_AT
    return CallList(
        _lines(shown, people, candidates, now),
        _fall(counts),
        suppressed,
        looked[-1] if looked and has_more else None,
    )


def _judged(
    rules: Mapping[str, Any] | None, after: UUID | None, now: datetime
) -> tuple[dict[str | None, int], dict[UUID, str]]:
    """Return the counts by reason, and id -> basis of the next people who may be called."""
    statement, parameters = membership(rules=rules, now=now)
    named = {f"member{number}": value for number, value in enumerate(parameters)}
    for name in named:
        statement = statement.replace("%s", f"%({name})s", 1)
    asked = {
        "purpose": PURPOSE,
        "after": after,
        "consumers": consent_wanted(channel=Channel.PHONE, is_professional=False, now=now),
        "professionals": consent_wanted(channel=Channel.PHONE, is_professional=True, now=now),
        "consent": Basis.CONSENT.value,
        "calls_since": now - CALLS_WITHIN,
        "calls_most": CALLS_MOST,
        "size": LOOKED_AT,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_CALLING.replace("{membership}", statement), {**asked, **named})
        rows = cursor.fetchall()
    counts = {reason: count for reason, count, number, _basis in rows if number is None}
    return counts, {number: basis for _reason, _count, number, basis in rows if number is not None}


def _lines(
    numbers: Sequence[UUID],
    people: Mapping[UUID, Profile],
    bases: Mapping[UUID, str],
    now: datetime,
) -> list[CallLine]:
    contacts = Contact.objects.in_bulk(numbers)
    calls = TimelineEntry.objects.filter(contact__in=numbers, kind="called").order_by("at")
    last = dict(calls.values_list("contact_id", "at"))
    is_hour = may_call_consumer(now)
    return [
        CallLine(
            contacts[number],
            people[number],
            bases[number] == Basis.CONSENT,
            contacts[number].is_professional or is_hour,
            last.get(number),
        )
        for number in numbers
        if number in contacts
    ]


def _fall(counts: Mapping[str | None, int]) -> Waterfall:
    steps = [
        WaterfallStep(code, sentence, counts[code])
        for code, sentence in REASONS.items()
        if code in counts
    ]
    return Waterfall(sum(counts.values()), steps, counts.get(None, 0))


def note_call(*, contact_id: UUID, source_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Note on the timeline that somebody was called; idempotent by `source_id`.

    Raises ContactUnknown.
    """
    reference = {"source": str(source_id)}
    with transaction.atomic():
        rows = Contact.objects.select_for_update(no_key=True).filter(id=contact_id)
        if rows.first() is None:
            raise ContactUnknown(ContactUnknown.__doc__)
        told = TimelineEntry.objects.filter(contact=contact_id, kind="called", reference=reference)
        if not told.exists():
            add_timeline(
                contact_ids=[contact_id],
                kind="called",
                reference=reference,
                at=now,
                actor_id=actor_id,
            )
