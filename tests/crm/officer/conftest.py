"""The officer at her browser, and the purposes she looks after."""

import pytest
from django.test import Client
from pytest_django import Settings

from consent.services import seed_purposes
from tests.conftest import NOW
from tests.crm.staff import staff_client


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture(autouse=True)
def purposes(db: None) -> None:
    seed_purposes(now=NOW)


@pytest.fixture
def officer() -> Client:
    return staff_client("dpo", username="dominique")


@pytest.fixture
def marketing() -> Client:
    return staff_client("marketing")
