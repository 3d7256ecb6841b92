"""What the tests of records, receipts and proof packs share."""

import pytest
from pytest_django import Settings


@pytest.fixture
def company(settings: Settings) -> None:
    """A controller with the address that a record must name (27560: party address)."""
    settings.ORGANISATION_NAME = "Exemple SAS"
    settings.ORGANISATION_ADDRESS = "1 rue de l’Exemple, 75000 Paris"
