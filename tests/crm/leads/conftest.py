"""What the tests of the staff pages of crm share."""

from tests.crm.pages.conftest import client, english, quick_hashes

__all__ = ["client", "english", "quick_hashes"]
