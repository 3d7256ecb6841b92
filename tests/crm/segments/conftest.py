"""What the tests of segments share."""

import pytest


@pytest.fixture(autouse=True)
def no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made contacts answer forms by the real verbs; nobody rings for their letters here."""
    monkeypatch.setattr("consent.letters._COURIERS", [])
