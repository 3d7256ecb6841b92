"""What every attack meets: both sides of the product, and data of each kind behind them."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from forms_intake.abuse import forget_counts
from forms_intake.public import api, published
from tests.attacks.world import World, build


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def world(vault: None, anchor: object) -> World:
    return build()


@pytest.fixture
def visitor(public_side: Client, settings: Settings) -> Iterator[Client]:
    """A browser at the public side, in a process that has just begun."""
    settings.SECURE_REFERRER_POLICY = "no-referrer"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
    forget_counts()
    api._RECEIVED.clear()
    published._LAST_READ.clear()
    yield Client(headers={"Accept-Language": "en"}, REMOTE_ADDR="192.0.2.17")
    forget_counts()
