"""What consent asks of the floors above it, which say who answers when Django starts."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

# A form and its version -> its title by language.
Titles = Mapping[tuple[str, int], Mapping[str, str]]


class Addresses(Protocol):
    """Whoever knows people's addresses; crm registers itself."""

    def __call__(self, *, subject_ids: Sequence[UUID]) -> Mapping[UUID, str]: ...


class FormTitles(Protocol):
    """Whoever knows what forms are called in public; forms_intake registers itself."""

    def __call__(self, *, versions: Sequence[tuple[str, int]]) -> Titles: ...


_ADDRESSES: list[Addresses] = []
_TITLES: list[FormTitles] = []


def register_addresses(provider: Addresses) -> None:
    """Say who knows addresses (subject -> normalised address); the last one registered does."""
    _ADDRESSES[:] = [provider]


def register_form_titles(provider: FormTitles) -> None:
    """Say who knows the titles of forms; the last one registered does."""
    _TITLES[:] = [provider]


def address_of(subject_id: UUID) -> str | None:
    """Return the address that is written to; None when nobody knows it."""
    for provider in _ADDRESSES:
        return provider(subject_ids=[subject_id]).get(subject_id)
    return None


def form_titles(versions: Sequence[tuple[str, int]]) -> Titles:
    """Return the titles that are known; a form that is not is called by its code."""
    for provider in _TITLES if versions else []:
        return provider(versions=versions)
    return {}
