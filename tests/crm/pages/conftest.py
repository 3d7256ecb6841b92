"""What the tests of the staff pages of crm share."""

import pytest
from django.test import Client
from pytest_django import Settings

from crm.segments import choices
from tests.crm.staff import staff_client


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    """How passwords are hashed is not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture(autouse=True)
def without_the_floors_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has told crm the names of forms and campaigns."""
    monkeypatch.setattr(choices, "_REGISTERED", {})


@pytest.fixture
def client(vault: None) -> Client:
    """Camille of marketing, at her browser."""
    return staff_client()
