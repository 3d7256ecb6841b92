"""What tests of several files here share."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from pytest_django import Settings

from consent import addresses as consent_addresses
from consent import letters as consent_letters
from consent import services
from privacy.services import enrol
from tests.consent.letters import Letters
from tests.consent.people import ALICE


@pytest.fixture
def company(settings: Settings) -> None:
    """A controller with the address that a record must name (27560: party address)."""
    settings.ORGANISATION_NAME = "Exemple SAS"
    settings.ORGANISATION_ADDRESS = "1 rue de l’Exemple, 75000 Paris"


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    courier = Letters()
    monkeypatch.setattr(consent_letters, "_COURIERS", [])
    services.register_courier(courier)
    return courier


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Alice, a contact whose address crm knows; the id of her person."""
    subject = enrol(email=ALICE).subject_id

    def addresses(subject_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        return {number: (ALICE, "") for number in subject_ids if number == subject}

    monkeypatch.setattr(consent_addresses, "_PROVIDERS", [addresses])
    return subject
