"""What a form says of a person, and the encrypted profile it becomes."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from crm.models import Role
from privacy.services import RetentionClass, current_reader, read_documents

Document = dict[str, Any]
# What a person may type into one line; a form's own caps are tighter.
LINE_MAX, MESSAGE_MAX, MESSAGES_KEPT = 200, 10_000, 50
# Addresses of those who were merged into this person.
OTHERS = "other_emails"


@dataclass(frozen=True, repr=False)
class Person:
    """Who fills in a form. `email` is normalised, `phone` is E.164, `country` ISO 3166-1.

    It has no repr, and neither has a Profile: identities are never printed.
    """

    email: str
    email_as_typed: str = ""
    given_name: str = ""
    family_name: str = ""
    phone: str = ""
    company: str = ""
    job_title: str = ""
    country: str = ""


@dataclass(frozen=True, repr=False)
class Profile:
    """The decrypted identity of a contact."""

    contact_id: UUID
    email: str = ""
    given_name: str = ""
    family_name: str = ""
    phone: str = ""
    company: str = ""
    job_title: str = ""
    language: str = ""
    country: str = ""

    @property
    def display_name(self) -> str:
        """The name, else the company, else the address."""
        name = f"{self.given_name} {self.family_name}".strip()
        return name or self.company or self.email


_PROFILE_FIELDS = [field.name for field in fields(Profile) if field.name != "contact_id"]


def one_line(text: str) -> str:
    """Return text on one line, without control characters: a name ends up in mail headers."""
    spaced = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(spaced.split())[:LINE_MAX]


def many_lines(text: str) -> str:
    """Return a message as it can be stored: lines kept, other control characters dropped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return kept.strip()[:MESSAGE_MAX]


def facts_of(person: Person, *, language: str) -> dict[str, str]:
    """Return what a form gave, non-empty values only."""
    given = {field.name: one_line(getattr(person, field.name)) for field in fields(Person)}
    return {name: value for name, value in {**given, "language": language}.items() if value}


def merge(
    before: Document, *, facts: Mapping[str, str], lead_id: UUID, message: str, at: datetime
) -> Document:
    """Return the profile after one more form: the person's own newer words win over older ones.

    An empty answer erases nothing: a form that does not ask for the company knows nothing of it.
    """
    after = {**before, **facts}
    if before.get("email", facts.get("email")) != facts.get("email"):
        # Somebody who was merged, from an address that is not the one we write to. What they agreed
        # to was for that one: it stays.
        after |= {name: before.get(name, "") for name in ("email", "email_as_typed")}
    text = many_lines(message)
    if text:
        said = {"lead": str(lead_id), "at": at.isoformat(), "text": text}
        others = [one for one in before.get("messages", []) if one["lead"] != said["lead"]]
        ordered = sorted([*others, said], key=lambda one: str(one["at"]))
        after["messages"] = ordered[-MESSAGES_KEPT:]
    return after


def addresses_in(document: Document) -> tuple[list[str], list[str]]:
    """Return every (address, number) of a profile that finds its person, those of merges too."""
    emails = [str(document.get("email", "")), *map(str, document.get(OTHERS, []))]
    return [each for each in emails if each], [str(document.get("phone", ""))]


# The five of the privacy statement: what every role sees at most, but the data protection officer,
# who answers for all that is kept.
CONTACT_FIELDS = frozenset({"family_name", "given_name", "company", "email", "phone"})
SEES_EVERYTHING = (Role.DPO,)


def _is_shown(field: str) -> bool:
    reader = current_reader()
    return reader is None or reader.scope in SEES_EVERYTHING or field in CONTACT_FIELDS


def profile_of(contact_id: UUID, document: Document) -> Profile:
    """Return the identity in a document: of it, what the reader of the moment may see."""
    shown = [name for name in _PROFILE_FIELDS if _is_shown(name)]
    return Profile(contact_id, **{name: document.get(name, "") for name in shown})


def profiles(*, contact_ids: Sequence[UUID]) -> dict[UUID, Profile]:
    """Return the decrypted profiles, in two queries whatever their number.

    A contact without a profile, or whose profile does not open, is absent from the answer.
    """
    documents = read_documents(subject_ids=contact_ids, retention_class=RetentionClass.PROFILE)
    return {number: profile_of(number, document) for number, document in documents.items()}


def reaches(subject_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return (address, number) of those whose profile opens: consent makes fingerprints of them."""
    return {
        number: (profile.email, profile.phone)
        for number, profile in profiles(contact_ids=subject_ids).items()
    }
