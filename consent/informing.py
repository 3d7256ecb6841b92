"""Imported people are told by a letter, have time to say no, and may only then be written to.

What follows from a letter follows once the relay has taken it, in the transaction that says so. An
objection wins at whatever moment it comes: the fold of the ledger sees to that, not this file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from consent.cards import opt_out_links
from consent.ledger import Event, append_many
from consent.letters import INFORMATION, Letter
from consent.models import LedgerEvent, LetterRequest, Permission, Purpose, State
from consent.purposes import current_assessment
from consent.suppression import are_suppressed

# The law names no number of days: the right to object must be brought to the person's attention
# before the first message at the latest (21(4)), and saying no must be possible in earnest. A week
# holds a week-end and the absence of a few days; ours is longer than what most of them need.
OBJECTION_DAYS = 7
METHOD = "information_letter"


def information_letter(request_id: UUID, email: str, now: datetime) -> Letter | None:
    """Return what to write, or None when the person has answered since: nothing waits for it."""
    request = (
        LetterRequest.objects.filter(id=request_id, kind=INFORMATION)
        .select_related("notice", "purpose")
        .first()
    )
    if request is None or request.notice is None or request.purpose is None:
        return None
    arrived = _arrival(request)
    if arrived is None or not _rests_on(arrived):
        return None
    links = opt_out_links(
        subjects={request.subject_id: email}, purpose_code=request.purpose.code, now=now
    )[request.subject_id]
    is_french = request.language == "fr"
    return Letter(
        request.language,
        {
            "purposes": request.purpose.title_fr if is_french else request.purpose.title_en,
            "notice": request.notice.text,
            "source": arrived.source,
            "opt_out_url": links.one_click_url,
            "preferences_url": links.preferences_url,
        },
    )


def note_informed(requests: Sequence[LetterRequest], now: datetime) -> None:
    """The relay has these letters: their readers are told. In the caller's transaction."""
    arrivals = {each.id: arrived for each in requests if (arrived := _arrival(each)) is not None}
    waiting = _still(State.INTEREST_UNINFORMED, list(arrivals.values()))
    append_many(
        [
            _informed(each, arrivals[each.id], now)
            for each in requests
            if each.id in arrivals and arrivals[each.id].seq in waiting
        ]
    )


def _arrival(request: LetterRequest) -> LedgerEvent | None:
    return LedgerEvent.objects.filter(
        source_id=request.source_id,
        subject_id=request.subject_id,
        event_state=State.INTEREST_UNINFORMED,
    ).first()


def _still(state: State, events: Sequence[LedgerEvent]) -> set[int]:
    """Return which of these events are what their permission still rests on, locked."""
    held = Permission.objects.select_for_update(of=("self",)).filter(
        event__in=[event.seq for event in events], state=state
    )
    return set(held.order_by("subject_id", "purpose_id").values_list("event_id", flat=True))


def _rests_on(event: LedgerEvent) -> bool:
    return Permission.objects.filter(event=event.seq, state=event.event_state).exists()


def _informed(request: LetterRequest, arrived: LedgerEvent, now: datetime) -> Event:
    notice = request.notice
    return replace(
        _after(arrived, State.INTEREST_INFORMED, "IndirectDataCollectionNotice", now),
        source_id=request.id,
        language=request.language,
        notice_id=notice.id if notice else None,
        notice_sha256=bytes(notice.sha256) if notice else None,
    )


def _after(before: LedgerEvent, state: State, event_type: str, now: datetime) -> Event:
    """What follows an event by our own act: of the same person, channel, basis and origin."""
    return Event(
        subject_id=before.subject_id,
        purpose_code=before.purpose_id,
        channel=before.channel,
        basis=before.basis,
        state=state,
        event_type=event_type,
        event_at=now,
        received_at=now,
        method=METHOD,
        source_id=before.source_id,
        language=before.language,
        indicated_by="controller",
        assessment_id=before.assessment_id,
        notice_id=before.notice_id,
        notice_sha256=bytes(before.notice_sha256 or b"") or None,
        supersedes=before.record_id,
        source=before.source,
        import_batch=before.import_batch,
    )


# --- the time to object ----------------------------------------------------------------------


def settle_informed(*, now: datetime, limit: int = 1_000) -> int:
    """Let those who were told OBJECTION_DAYS ago, and have not objected, be written to.

    Returns how many; a "no" from any side since then stands. Safe to repeat, and by many at once.
    """
    return sum(
        _settle(code, channel, now, limit)
        for code, channels in Purpose.objects.values_list("code", "channels")
        for channel in channels
    )


def _settle(purpose_code: str, channel: str, now: datetime, limit: int) -> int:
    if current_assessment(purpose_code=purpose_code) is None:
        return 0  # the interest was found not to prevail since: there is no basis to go on with
    settled = 0
    last = UUID(int=0)
    while True:
        with transaction.atomic():
            told = list(
                Permission.objects.filter(
                    purpose=purpose_code,
                    channel=channel,
                    state=State.INTEREST_INFORMED,
                    subject_id__gt=last,
                    since__lte=now - timedelta(days=OBJECTION_DAYS),
                    event__method=METHOD,
                )
                .select_related("event")
                .select_for_update(of=("self",), skip_locked=True)
                .order_by("subject_id")[:limit]
            )
            letters = LetterRequest.objects.in_bulk([each.event.source_id for each in told])
            append_many(_unobjected([each.event for each in told], letters, purpose_code, now))
        settled += len(told)
        if len(told) < limit:
            return settled
        last = told[-1].subject_id


def _unobjected(
    told: Sequence[LedgerEvent],
    letters: Mapping[UUID, LetterRequest],
    purpose_code: str,
    now: datetime,
) -> list[Event]:
    """What follows for those who were told, but for an address that a "no" is kept for."""
    marks = [
        bytes(letters[each.source_id].address_fingerprint or b"")
        if each.source_id in letters
        else b""
        for each in told
    ]
    kept = are_suppressed(marks, purpose_code)
    return [
        replace(
            _after(each, State.INTEREST_NOT_OBJECTED, "NoObjection", now),
            shown_record=each.record_id,
        )
        for each, mark, is_kept in zip(told, marks, kept, strict=True)
        # Whose letter cannot be found any more was erased meanwhile: silence is no answer then.
        if mark and not is_kept
    ]
