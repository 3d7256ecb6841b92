"""The search of this test: not started, or running and ready."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from crm.segments import choices
from tests.crm.search.running import Search, SearchHere, search, until_ready
from tests.crm.staff import staff_client


@pytest.fixture
def idle_search(vault: None, settings: Settings) -> Iterator[Search]:
    with search() as made:
        settings.SEARCH_SOCKET = str(made.socket)
        yield made


@pytest.fixture
def running_search(idle_search: Search) -> Search:
    """Running, of nobody yet."""
    idle_search.start()
    idle_search.wait_until_ready()
    return idle_search


@pytest.fixture
def search_here(idle_search: Search) -> Iterator[SearchHere]:
    """Running in this process, of nobody yet."""
    made = SearchHere(idle_search.socket)
    until_ready()
    yield made
    made.stop()


@pytest.fixture
def client(vault: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Camille of marketing, at her browser, in English."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LANGUAGE_CODE = "en"
    monkeypatch.setattr(choices, "_REGISTERED", {})
    return staff_client()
