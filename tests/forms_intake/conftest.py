"""The public side as its own process runs it: its addresses, its middleware, its words."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from forms_intake.abuse import forget_counts
from forms_intake.public import api, published


@pytest.fixture
def visitor(public_side: Client, settings: Settings, vault: None) -> Iterator[Client]:
    """A browser at the public side, in a process that has just begun."""
    settings.SECURE_REFERRER_POLICY = "no-referrer"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
    forget_counts()
    api._RECEIVED.clear()
    published._LAST_READ.clear()
    yield Client(headers={"Accept-Language": "en"}, REMOTE_ADDR="192.0.2.17")
    forget_counts()
