"""Everything that the page of one lead shows: the person, the thread, the score and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crm.lead_notes import Note, notes_of
from crm.lead_slots import LeadMessage, lead_messages
from crm.models import Account, ContactScore, Lead, ScoreRule, TimelineEntry
from crm.pages import labels
from crm.pages.labels import Words, words
from crm.people import Document, profile_of
from crm.reminders import reminder_of
from crm.segments.choices import names_of
from privacy.services import RetentionClass, read_documents

EVENTS = 200
# What the thread shows by its own words, not as a line of the timeline.
_SHOWN_WHOLE = ("noted", "answered")


@dataclass(frozen=True, repr=False)
class ThreadItem:
    """One thing that happened, with its words if it has any. It has no repr."""

    at: datetime
    title: Words
    icon: str
    actor: str = ""
    detail: Words = ""
    subject: str = ""
    # None: it has no words. has_words without a text: they cannot be opened any more.
    text: str | None = None
    has_words: bool = False
    state: Words = ""
    colour: str = ""
    reason: Words = ""


@dataclass(frozen=True)
class ScoreLine:
    name: str
    points: int


def lead_view(lead: Lead) -> dict[str, Any]:
    """Return the context of the page: a fixed number of queries, three readings at most."""
    found = read_documents(subject_ids=[lead.contact_id], retention_class=RetentionClass.PROFILE)
    document = found.get(lead.contact_id)
    forms = names_of("form")
    return {
        "lead": lead,
        "profile": profile_of(lead.contact_id, document) if document else None,
        "form": forms.get(lead.form_code, lead.form_code),
        "state": words(labels.LEAD_STATES, lead.state),
        "colour": labels.LEAD_COLOURS.get(lead.state, "secondary"),
        "states": labels.LEAD_STATES.items(),
        "reminder": reminder_of(lead_id=lead.id),
        "thread": _thread(lead, document or {}, forms),
        **_score(lead.contact_id),
    }


def _thread(lead: Lead, document: Document, forms: Mapping[str, str]) -> list[ThreadItem]:
    events = list(
        TimelineEntry.objects.filter(contact=lead.contact_id, reference__lead=str(lead.id))
        .exclude(kind__in=_SHOWN_WHOLE)
        .order_by("-at", "-id")[:EVENTS]
    )
    notes, mails = notes_of(lead_id=lead.id), lead_messages(lead_id=lead.id)
    staff = _staff(events, notes, mails)
    items = [
        _received(lead, document, forms),
        *(_event(entry, staff) for entry in events),
        *(_note(note, staff) for note in notes),
        *(_mail(mail, staff) for mail in mails),
    ]
    return sorted(items, key=lambda item: item.at)


def _staff(
    events: Iterable[TimelineEntry], notes: Iterable[Note], mails: Iterable[LeadMessage]
) -> dict[str, str]:
    """Return id -> user name of everybody in the thread, in one query."""
    ids = {str(entry.actor_id) for entry in events if entry.actor_id}
    ids |= {entry.reference.get("to", "") for entry in events if entry.kind == "lead_assigned"}
    ids |= {str(note.written_by) for note in notes}
    ids |= {str(mail.written_by) for mail in mails if mail.written_by}
    found = Account.objects.filter(id__in=ids - {""}).values_list("id", "username")
    return {str(number): username for number, username in found}


def _received(lead: Lead, document: Document, forms: Mapping[str, str]) -> ThreadItem:
    said = {one["lead"]: one["text"] for one in document.get("messages", [])}
    return ThreadItem(
        lead.received_at,
        labels.KINDS["lead"][0],
        "forms",
        detail=forms.get(lead.form_code, lead.form_code),
        text=said.get(str(lead.id)),
        has_words=lead.has_message,
    )


def _event(entry: TimelineEntry, staff: Mapping[str, str]) -> ThreadItem:
    title, icon = labels.KINDS.get(entry.kind, (entry.kind.replace("_", " "), "point"))
    detail: Words = ""
    if entry.kind == "lead_state":
        detail = words(labels.LEAD_STATES, entry.reference["to"])
    elif entry.kind == "lead_assigned":
        detail = staff.get(entry.reference["to"], labels.NOBODY)
    return ThreadItem(entry.at, title, icon, staff.get(str(entry.actor_id), ""), detail)


def _note(note: Note, staff: Mapping[str, str]) -> ThreadItem:
    title, icon = labels.KINDS["noted"]
    actor = staff.get(str(note.written_by), "")
    return ThreadItem(note.at, title, icon, actor, text=note.text, has_words=True)


def _mail(mail: LeadMessage, staff: Mapping[str, str]) -> ThreadItem:
    title, icon = labels.KINDS["answered"]
    return ThreadItem(
        mail.at,
        title,
        icon,
        staff.get(str(mail.written_by), ""),
        subject=mail.subject,
        text=mail.text,
        has_words=True,
        state=mail.state,
        colour=mail.colour,
        reason=mail.reason,
    )


def _score(contact_id: UUID) -> dict[str, Any]:
    """The points and what they are made of, by the names of the rules of today."""
    row = ContactScore.objects.filter(contact=contact_id).first()
    if row is None:
        return {"score": None, "score_lines": [], "score_refusal": ""}
    names = {str(rule.id): rule.name for rule in ScoreRule.objects.filter(archived_at=None)}
    lines = [ScoreLine(names[rule], points) for rule, points in row.parts if rule in names]
    return {
        "score": row.points,
        "score_lines": sorted(lines, key=lambda line: -abs(line.points)),
        "score_refusal": labels.NO_SCORE.get(row.refusal, ""),
        "score_at": row.computed_at,
    }
