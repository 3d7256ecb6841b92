"""The relay of the delivery tests, and quick hashes for passwords."""

from tests.campaigns.delivery.conftest import inbox
from tests.crm.pages.conftest import english, quick_hashes

__all__ = ["english", "inbox", "quick_hashes"]
