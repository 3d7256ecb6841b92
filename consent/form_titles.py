"""What forms are called in public: a floor above knows, and says so when Django starts."""

from collections.abc import Mapping, Sequence
from typing import Protocol

# A form and its version -> its title by language.
Titles = Mapping[tuple[str, int], Mapping[str, str]]


class FormTitles(Protocol):
    """Whoever knows what forms are called in public; forms_intake registers itself."""

    def __call__(self, *, versions: Sequence[tuple[str, int]]) -> Titles: ...


_TITLES: list[FormTitles] = []


def register_form_titles(provider: FormTitles) -> None:
    """Say who knows the titles of forms; the last one registered does."""
    _TITLES[:] = [provider]


def form_titles(versions: Sequence[tuple[str, int]]) -> Titles:
    """Return the titles that are known; a form that is not is called by its code."""
    for provider in _TITLES if versions else []:
        return provider(versions=versions)
    return {}
