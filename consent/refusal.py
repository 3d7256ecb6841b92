"""A person's "no": in the privacy journal first, then in the ledger and in suppression.

One function gives it effect, whether it is fresh or replayed after a crash or a restore.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from consent.addresses import Marks
from consent.ledger import Event, append
from consent.models import NO_STATES, Basis, LedgerEvent, Permission, Purpose, State
from consent.suppression import EVERYTHING, suppress_person
from privacy.services import Fingerprints, JournalEvent, JournalWriter

JOURNAL_KIND = "consent.no"
# Floors above that are told, in the transaction that gives a "no" effect.
Told = Callable[[UUID, Sequence[str], datetime], None]
_TOLD: list[Told] = []


def register_told(told: Told) -> None:
    """Say who else is told of a person's no: of the person, the purposes and the moment.

    It is called within the transaction of the no, also when the no is replayed, and must not fail.
    """
    if told not in _TOLD:
        _TOLD.append(told)


@dataclass(frozen=True)
class Refusal:
    """Who says no to what. No subject: only the address is known, its fingerprint is kept.
    No fingerprints: only the person is known, and their permissions end."""

    subject_id: UUID | None
    fingerprints: Fingerprints | None
    # EVERYTHING alone means every marketing purpose; one of several channels is `scoped`.
    purpose_codes: Sequence[str]
    method: str
    source_id: UUID
    at: datetime
    language: str
    indicated_by: str = "subject"
    actor_id: UUID | None = None
    phone: Fingerprints | None = None


def scoped(purpose_code: str, channel: str) -> str:
    """Name one channel of a purpose where a refusal names purposes."""
    return f"{purpose_code}:{channel}"


def refuse(*, refusal: Refusal, writer: JournalWriter) -> None:
    """Journal a refusal, then give it effect; the caller's transaction ends with the writer."""
    fields = _fields(refusal)
    writer.record(kind=JOURNAL_KIND, subject_id=refusal.subject_id, fields=fields)
    give_effect(refusal)


def replay(event: JournalEvent) -> None:
    """Give a journaled refusal effect again; idempotent by its source."""
    give_effect(_from_fields(event.subject_id, event.fields))


def give_effect(refusal: Refusal) -> None:
    suppress_person(
        marks=Marks(refusal.fingerprints, refusal.phone),
        purpose_codes=refusal.purpose_codes,
        reason=refusal.method[:24],
        now=refusal.at,
        counts_again=_counts_again(refusal),
    )
    if refusal.subject_id is None:
        return
    for permission in _concerned(refusal, refusal.subject_id):
        before = permission.event
        append([_event(refusal, permission, before)])
    for told in _TOLD:
        told(refusal.subject_id, refusal.purpose_codes, refusal.at)


def _counts_again(refusal: Refusal) -> bool:
    """Whether this is an act of its own where the same was said before: then neither a yes that
    comes late nor taking back the earlier one undoes it.

    Not what stood on a page of choices already. Nor what anybody can say for any address: a
    stranger who says it twice must not keep the person from taking it back.
    """
    if refusal.method == "preference_centre":
        return EVERYTHING in refusal.purpose_codes
    return refusal.method in ("one_click_post", "staff_on_behalf", "mail_opt_out", "complaint")


def _concerned(refusal: Refusal, subject_id: UUID) -> list[Permission]:
    rows = Permission.objects.filter(subject_id=subject_id).select_related("event")
    if EVERYTHING in refusal.purpose_codes:
        rows = rows.filter(purpose__in=Purpose.objects.filter(is_marketing=True))
    else:
        wanted = Q(pk__in=[])
        for scope in refusal.purpose_codes:
            code, _colon, channel = scope.partition(":")
            wanted |= Q(purpose=code, channel=channel) if channel else Q(purpose=code)
        rows = rows.filter(wanted)
    said = Q(state__in=NO_STATES)
    if _counts_again(refusal):
        said &= Q(since__gte=refusal.at)
    return list(rows.exclude(said).order_by("purpose_id", "channel"))


def _event(refusal: Refusal, permission: Permission, before: LedgerEvent) -> Event:
    return Event(
        subject_id=permission.subject_id,
        purpose_code=permission.purpose_id,
        channel=permission.channel,
        basis=permission.basis,
        state=_no_to(permission),
        event_type="ObjectionIndicated"
        if permission.basis == Basis.LEGITIMATE_INTEREST
        else "WithdrawConsent",
        event_at=refusal.at,
        received_at=refusal.at,
        method=refusal.method,
        source_id=refusal.source_id,
        language=refusal.language,
        indicated_by=refusal.indicated_by,
        assessment_id=before.assessment_id,
        notice_id=before.notice_id,
        notice_sha256=bytes(before.notice_sha256) if before.notice_sha256 else None,
        form_code=before.form_code,
        form_version=before.form_version,
        shown_record=before.shown_record,
        supersedes=before.record_id,
        actor_id=refusal.actor_id,
    )


def _no_to(permission: Permission) -> State:
    if permission.basis == Basis.LEGITIMATE_INTEREST:
        return State.INTEREST_OBJECTED
    if permission.state in (State.CONSENT_REQUESTED, State.CONSENT_REFUSED):
        return State.CONSENT_REFUSED
    return State.CONSENT_WITHDRAWN


def _fields(refusal: Refusal) -> dict[str, str]:
    return {
        **_mark_fields(refusal),
        "purposes": ",".join(refusal.purpose_codes) or "*",
        "method": refusal.method,
        "source": str(refusal.source_id),
        "at": refusal.at.isoformat(),
        "language": refusal.language,
        "indicated_by": refusal.indicated_by,
        "actor": str(refusal.actor_id or ""),
    }


def _mark_fields(refusal: Refusal) -> dict[str, str]:
    """The fingerprints, each with the epoch of its key: a replay must write what was written."""
    email, phone = refusal.fingerprints, refusal.phone
    fields = {
        "exact": email.exact.hex() if email else "",
        "wide": email.wide.hex() if email else "",
    }
    if email:
        fields["epoch"] = str(email.epoch)
    if phone:
        fields |= {"phone": phone.exact.hex(), "phone_epoch": str(phone.epoch)}
    return fields


def _marks(fields: Mapping[str, str]) -> Marks:
    """A line without an epoch was written when there was only the first key."""
    email = phone = None
    if fields["exact"]:
        exact, wide = bytes.fromhex(fields["exact"]), bytes.fromhex(fields["wide"])
        email = Fingerprints(exact, wide, int(fields.get("epoch", "1")))
    if fields.get("phone"):
        number = bytes.fromhex(fields["phone"])
        phone = Fingerprints(number, number, int(fields["phone_epoch"]))
    return Marks(email, phone)


def _from_fields(subject_id: UUID | None, fields: Mapping[str, str]) -> Refusal:
    listed, marks = fields["purposes"], _marks(fields)
    return Refusal(
        subject_id,
        marks.email,
        [EVERYTHING] if listed == "*" else listed.split(","),
        fields["method"],
        UUID(fields["source"]),
        datetime.fromisoformat(fields["at"]),
        fields["language"],
        fields["indicated_by"],
        UUID(fields["actor"]) if fields["actor"] else None,
        marks.phone,
    )
