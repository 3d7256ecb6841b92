from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.measurement import public_views
from campaigns.measurement.noticing import NOTEBOOK
from tests.campaigns.delivery.conftest import inbox

__all__ = ["inbox", "visitor"]


@pytest.fixture
def visitor(public_side: Client, settings: Settings, vault: None) -> Iterator[Client]:
    """A mail program that asks the public side, in a process that has just begun."""
    settings.SECURE_REFERRER_POLICY = "no-referrer"
    NOTEBOOK.forget()
    public_views._published.cache_clear()
    yield public_side
    NOTEBOOK.settle()
