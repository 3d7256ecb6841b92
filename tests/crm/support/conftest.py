"""What the tests of customer service share."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def quick_hashes_in_english(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LANGUAGE_CODE = "en"
