"""Staff pages of sequences: written by who writes campaigns, read by who reads them."""

from campaigns.pages import READERS, WRITERS

__all__ = ["READERS", "WRITERS"]
