"""Everything that the page of one contact shows, read in a fixed number of queries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.services import Explanation, LedgerLine, PurposeText, explain, history, purposes
from crm.merging import is_being_merged
from crm.models import Account, Contact, Lead, Tag, TimelineEntry
from crm.pages import labels
from crm.pages.labels import Words, words
from crm.people import OTHERS, Document, profile_of
from crm.segments.choices import STATUS_NAMES, names_of
from crm.timeline import proof_link
from privacy.services import RetentionClass, read_documents

LINES = 50


@dataclass(frozen=True)
class PermissionLine:
    purpose: PurposeText
    channel: str
    channel_name: Words
    answer: Explanation


@dataclass(frozen=True)
class LeadLine:
    lead: Lead
    form: str
    message: str
    state: Words
    colour: str


@dataclass(frozen=True)
class TimelineLine:
    at: datetime
    title: Words
    icon: str
    detail: Words
    actor: str
    proof: str


@dataclass(frozen=True)
class HistoryLine:
    line: LedgerLine
    purpose: str
    channel: Words
    state: Words
    basis: Words
    method: Words


def contact_view(contact: Contact, *, language: str) -> dict[str, Any]:
    """Return the context of the page."""
    found = read_documents(subject_ids=[contact.id], retention_class=RetentionClass.PROFILE)
    document = found.get(contact.id)
    known = purposes(language=language, with_retired=True)
    titles = {purpose.code: purpose.title for purpose in known}
    forms = names_of("form")
    return {
        "contact": contact,
        "profile": profile_of(contact.id, document) if document else None,
        "other_emails": (document or {}).get(OTHERS, []),
        "is_being_merged": is_being_merged(contact_id=contact.id),
        "status": words(STATUS_NAMES, contact.status),
        "status_colour": labels.STATUS_COLOURS.get(contact.status, "secondary"),
        "language_name": names_of("language").get(contact.language, contact.language),
        "permissions": _permissions(contact.id, known),
        "history": [_history(line, titles) for line in history(subject_id=contact.id)],
        "leads": _leads(contact.id, document or {}, forms),
        "timeline": _timeline(contact.id, titles, forms),
        "tags": Tag.objects.filter(contacttag__contact=contact).order_by("title"),
    }


def _permissions(contact_id: UUID, known: Iterable[PurposeText]) -> list[PermissionLine]:
    """One question to the gate per purpose and channel: the purposes of a company are few."""
    lines = [
        PermissionLine(
            purpose,
            channel,
            words(labels.CHANNELS, channel),
            explain(subject_id=contact_id, purpose_code=purpose.code, channel=channel),
        )
        for purpose in known
        for channel in purpose.channels
    ]
    # A retired purpose only where this person was once asked for it.
    return [line for line in lines if line.answer.since or not line.purpose.is_retired]


def _history(line: LedgerLine, titles: Mapping[str, str]) -> HistoryLine:
    return HistoryLine(
        line,
        titles.get(line.purpose_code, line.purpose_code),
        words(labels.CHANNELS, line.channel),
        words(labels.LEDGER_STATES, line.state),
        words(labels.BASES, line.basis),
        words(labels.METHODS, line.method),
    )


def _leads(contact_id: UUID, document: Document, forms: Mapping[str, str]) -> list[LeadLine]:
    said = {one["lead"]: one["text"] for one in document.get("messages", [])}
    rows = Lead.objects.filter(contact=contact_id).select_related("assigned_to")
    return [
        LeadLine(
            lead,
            forms.get(lead.form_code, lead.form_code),
            said.get(str(lead.id), ""),
            words(labels.LEAD_STATES, lead.state),
            labels.LEAD_COLOURS.get(lead.state, "secondary"),
        )
        for lead in rows.order_by("-received_at", "-id")[:LINES]
    ]


def _timeline(
    contact_id: UUID, titles: Mapping[str, str], forms: Mapping[str, str]
) -> list[TimelineLine]:
    rows = list(TimelineEntry.objects.filter(contact=contact_id).order_by("-at", "-id")[:LINES])
    staff = _staff_of(rows)
    campaigns = names_of("campaign") if any(r.kind == "campaign_sent" for r in rows) else {}
    names = _Names(titles, forms, campaigns, staff)
    return [names.line(row) for row in rows]


def _staff_of(rows: Iterable[TimelineEntry]) -> dict[str, str]:
    """Return id -> user name of everybody that these entries name, in one query."""
    ids = {str(row.actor_id) for row in rows if row.actor_id}
    ids |= {row.reference["to"] for row in rows if row.kind == "lead_assigned"} - {""}
    found = Account.objects.filter(id__in=ids).values_list("id", "username")
    return {str(number): username for number, username in found}


@dataclass(frozen=True)
class _Names:
    """Turns the codes and ids of a timeline into words."""

    purposes: Mapping[str, str]
    forms: Mapping[str, str]
    campaigns: Mapping[str, str]
    staff: Mapping[str, str]

    def line(self, row: TimelineEntry) -> TimelineLine:
        title, icon = labels.KINDS.get(row.kind, (row.kind.replace("_", " "), "point"))
        return TimelineLine(
            row.at,
            title,
            icon,
            self.detail(row),
            self.staff.get(str(row.actor_id), ""),
            proof_link(row),
        )

    def detail(self, row: TimelineEntry) -> Words:
        said: Mapping[str, str] = row.reference
        match row.kind:
            case "lead":
                return self.forms.get(said["form"], said["form"])
            case "campaign_sent":
                return self.campaigns.get(said["campaign"], "")
            case "status":
                return words(STATUS_NAMES, said["to"])
            case "tagged" | "untagged":
                return said["tag"]
            case "no":
                return self.purposes.get(said["purpose"], labels.EVERYTHING)
            case "lead_state":
                return words(labels.LEAD_STATES, said["to"])
            case "lead_assigned":
                return self.staff.get(said["to"], labels.NOBODY)
            case _:
                return ""
