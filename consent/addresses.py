"""The addresses of people, which a floor above knows: for their fingerprints alone.

A link carries one fingerprint. When the person is still known, a "no" is kept for the address
without its +tag too, and for the telephone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from privacy.services import (
    Fingerprints,
    Link,
    fingerprint_emails,
    fingerprint_epochs,
    fingerprint_phones,
)


class Reach(NamedTuple):
    """A normalised address and a number in E.164, either of them empty when there is none."""

    email: str = ""
    phone: str = ""

    def __repr__(self) -> str:
        return "Reach()"  # identities are never printed


class Addresses(Protocol):
    """Whoever knows the addresses of people; crm registers itself."""

    def __call__(self, subject_ids: Sequence[UUID]) -> Mapping[UUID, tuple[str, str]]: ...


class Marks(NamedTuple):
    """The fingerprints of one person's address and number, as far as they are known."""

    email: Fingerprints | None = None
    phone: Fingerprints | None = None


_PROVIDERS: list[Addresses] = []


def register_addresses(provider: Addresses) -> None:
    """Say who knows the addresses; the last one registered does."""
    _PROVIDERS[:] = [provider]


class Merged(Protocol):
    """Whoever knows who was merged with whom; crm registers itself."""

    def __call__(self, subject_ids: Iterable[UUID]) -> Mapping[UUID, UUID]: ...


_MERGED: list[Merged] = []


def register_merged(provider: Merged) -> None:
    """Say who knows of merges (absorbed -> kept); the last one registered does."""
    _MERGED[:] = [provider]


def person_of(subject_id: UUID) -> UUID:
    """Return the subject that one is part of by now: the vault may not have followed a merge."""
    found = _MERGED[0]([subject_id]) if _MERGED else {}
    return found.get(subject_id, subject_id)


def addresses_of(*, subject_ids: Sequence[UUID]) -> dict[UUID, Reach]:
    """Return the addresses that can be read; who is erased or unreadable is absent."""
    found = _PROVIDERS[0](subject_ids) if _PROVIDERS else {}
    return {subject: Reach(*reach) for subject, reach in found.items()}


def marks_of(reaches: Sequence[tuple[str, str]]) -> list[Marks]:
    """Return the fingerprints of addresses and numbers, in their order."""
    emails = list(dict.fromkeys(email for email, _phone in reaches if email))
    phones = list(dict.fromkeys(phone for _email, phone in reaches if phone))
    by_email = dict(zip(emails, fingerprint_emails(emails=emails), strict=True))
    by_phone = dict(zip(phones, fingerprint_phones(phones=phones), strict=True))
    return [Marks(by_email.get(email), by_phone.get(phone)) for email, phone in reaches]


def marks_of_link(link: Link, subject_id: UUID | None) -> Marks:
    """Return what is known of whoever holds a link: at the least what the link itself carries."""
    own = Fingerprints(link.fingerprint, link.fingerprint, link.epoch)
    reach = None if subject_id is None else addresses_of(subject_ids=[subject_id]).get(subject_id)
    if reach is None:
        return Marks(own)
    email, phone = marks_of([reach])[0]
    # Another address than the link was sent to (the person has a new one): the link speaks for its
    # own, unless its key was dropped and its fingerprint says nothing any more.
    is_for_this = email is not None and (
        link.epoch not in fingerprint_epochs()
        or any(link.fingerprint == each.exact for each in email.every)
    )
    return Marks(email if is_for_this else own, phone)
