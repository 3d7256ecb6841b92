from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.journeys.inbox import Inbox


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    """A real relay on a loopback port, to which this installation hands its mail."""
    inbox = Inbox()
    inbox.start()
    settings.RELAY_URL = f"smtp://127.0.0.1:{inbox.port}?timeout=5&final_timeout=5"
    settings.LEASE_SECONDS = 60
    yield inbox
    inbox.stop()
