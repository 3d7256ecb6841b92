"""What a person chose on the preference page: no, yes, how often, and when not."""

from dataclasses import dataclass
from uuid import UUID

from consent.addresses import Marks
from consent.deciders import language_of, saying_no
from consent.ledger import Event, append
from consent.models import (
    PERMITTING_STATES,
    Basis,
    Channel,
    Notice,
    Permission,
    Purpose,
    State,
)
from consent.refusal import refuse, scoped
from consent.suppression import EVERYTHING, is_suppressed_person, lift, marks_for
from consent.wishes import keep_wishes
from privacy.services import JournalWriter, OpenedEnvelope, Refused

PREFERENCES_NOTICE = "preferences"
METHOD = "preference_centre"
# Told, and not asked to answer: the person may object until they are silent for good.
_TOLD = (State.INTEREST_INFORMED, State.INTEREST_UNINFORMED)


@dataclass(frozen=True)
class Choice:
    """An answer for a purpose by one channel; no channel is every one, as older pages asked."""

    purpose: Purpose
    channel: str
    is_yes: bool


def choose(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    """Give effect to what was chosen. A link that proves nothing carries the "no" alone."""
    decider = saying_no(envelope, "preferences")
    if envelope.document.get("everything") == "no":
        refuse(refusal=decider.refusal(envelope, [EVERYTHING], METHOD), writer=writer)
        return "everything_no"
    choices = _choices(envelope)
    if refused := _refused(choices):
        refuse(refusal=decider.refusal(envelope, refused, METHOD), writer=writer)
    if decider.link is None:
        if not refused:
            raise Refused("not_our_link")
        return "no_by_damaged_link"
    if decider.subject_id is not None:
        for choice in choices:
            if choice.is_yes:
                _agree(envelope, decider.subject_id, decider.marks, choice)
        keep_wishes(
            subject_id=decider.subject_id,
            chosen=envelope.document,
            source_id=envelope.id,
            at=envelope.received_at,
        )
    return "chosen"


def _choices(envelope: OpenedEnvelope) -> list[Choice]:
    raw = envelope.document.get("choices")
    chosen = raw if isinstance(raw, dict) else {}
    named = {str(name): str(name).partition(":")[::2] for name in chosen}
    published = Purpose.objects.filter(is_marketing=True, published_at__isnull=False)
    known = published.in_bulk({code for code, _ in named.values()})
    found = [
        Choice(known[code], channel, chosen[name] == "yes")
        for name, (code, channel) in named.items()
        if code in known and channel in ("", *Channel.values)
    ]
    # A page may be older than a purpose's end: a no is recorded, a yes to it means nothing.
    return [each for each in found if not each.is_yes or each.purpose.retired_at is None]


def _refused(choices: list[Choice]) -> list[str]:
    """The purposes, or channels of purposes, that are refused, in the words of a refusal."""
    channels: dict[str, set[str]] = {}
    for choice in choices:
        if not choice.is_yes:
            of_all = choice.purpose.channels
            channels.setdefault(choice.purpose.code, set()).update(
                [choice.channel] if choice.channel else of_all
            )
    wholes = {choice.purpose.code: set(choice.purpose.channels) for choice in choices}
    return [
        scope
        for code, refused in channels.items()
        for scope in (
            [code]
            if refused >= wholes[code]
            else [scoped(code, channel) for channel in sorted(refused)]
        )
    ]


def _agree(envelope: OpenedEnvelope, subject_id: UUID, marks: Marks, choice: Choice) -> None:
    purpose = choice.purpose
    shown = _shown(envelope)
    rows = Permission.objects.filter(subject_id=subject_id, purpose=purpose)
    held = {row.channel: row for row in rows.select_related("event")}
    # An older page shows what is held; what never was is agreed to for the first channel.
    channels = [choice.channel] if choice.channel else (list(held) or purpose.channels[:1])
    for channel in channels:
        own = marks_for(marks=marks, purpose=purpose, channel=channel)
        is_refused = is_suppressed_person(marks=own, purpose_code=purpose.code)
        before = held.get(channel)
        if before is None or is_refused or before.state not in PERMITTING_STATES:
            append([_agreed(envelope, subject_id, purpose.code, channel, shown, before)])
        lift(marks=own, purpose_code=purpose.code, now=envelope.received_at)


def _shown(envelope: OpenedEnvelope) -> Notice:
    """The notice that stood on the page; pages of before say nothing of it: the newest."""
    notices = Notice.objects.filter(code=PREFERENCES_NOTICE)
    named = notices.filter(id__in=_ids(envelope.document.get("notice"))).first()
    told = notices.filter(language=language_of(envelope)).order_by("-version", "-revision")
    # The clocks of two hosts may differ: the first one was there before anybody could answer it.
    shown = named or told.filter(published_at__lte=envelope.received_at).first() or told.last()
    if shown is None:
        raise Refused("notice_missing")
    return shown


def _ids(value: object) -> list[UUID]:
    try:
        return [UUID(str(value))]
    except ValueError:
        return []


def _agreed(
    envelope: OpenedEnvelope,
    subject_id: UUID,
    purpose_code: str,
    channel: str,
    shown: Notice,
    before: Permission | None,
) -> Event:
    """A yes; or, of whoever was only told so far, that they do not object."""
    told = before if before is not None and before.state in _TOLD else None
    return Event(
        subject_id=subject_id,
        purpose_code=purpose_code,
        channel=channel,
        basis=Basis.LEGITIMATE_INTEREST if told else Basis.CONSENT,
        state=State.INTEREST_NOT_OBJECTED if told else State.CONSENT_GIVEN,
        event_type="NoObjection" if told else "ExpressedConsent",
        event_at=envelope.received_at,
        received_at=envelope.received_at,
        method=METHOD,
        source_id=envelope.id,
        language=language_of(envelope),
        assessment_id=told.event.assessment_id if told else None,
        notice_id=shown.id,
        notice_sha256=bytes(shown.sha256),
        supersedes=before.event.record_id if before else None,
    )
