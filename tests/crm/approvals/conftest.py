"""The same browser and language as the other staff pages of crm."""

from tests.crm.pages.conftest import english, quick_hashes

__all__ = ["english", "quick_hashes"]
