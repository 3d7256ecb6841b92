"""Journeys run against the stage: their database connections and keys are the stage's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker, Settings

from privacy import journal
from privacy.models import SealingPublicKey
from privacy.vault import installation, keyring
from tests.journeys.browser import NEEDED, Eyes, eyes, find_chromium
from tests.journeys.stage import Stage, set_up, wait_for


@pytest.fixture(scope="session")
def whole_stage() -> Iterator[Stage]:
    stage = set_up()
    yield stage
    stage.stop()
    stage.inbox.stop()


def _forget() -> None:
    for cached in (
        journal.journal,
        installation.instance_id,
        keyring.key_ring,
    ):
        cached.cache_clear()


@pytest.fixture
def stage(
    whole_stage: Stage, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stage]:
    with on_stage(whole_stage, settings, django_db_blocker):
        wait_for(SealingPublicKey.objects.exists, "a key to seal with")
        yield whole_stage


@contextmanager
def on_stage(
    whole_stage: Stage, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Let this process be one of a stage: its databases, keys and folders."""
    zones = {"default": "crm", "vault": "vault", "intake": "intake"}
    before = {alias: connections[alias].settings_dict["NAME"] for alias in zones}
    settings.PUBLIC_URL = whole_stage.public_url
    settings.KEYS_DIR = whole_stage.home / "keys"
    settings.JOURNAL_DIR = whole_stage.home / "journal"
    settings.INTAKE_JOURNAL_DIR = whole_stage.home / "intake-journal"
    settings.ANCHOR_DIR = whole_stage.home / "anchor"
    for alias, zone in zones.items():
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = whole_stage.names[zone]
    _forget()
    with django_db_blocker.unblock():
        yield
        for name in whole_stage.processes:  # shown with a test that fails
            print(f"--- {name}\n{whole_stage.log(name)[-4000:]}")
        for alias, name in before.items():
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
    _forget()


@pytest.fixture
def sight(monkeypatch: pytest.MonkeyPatch) -> Iterator[Eyes]:
    chromium = find_chromium()
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NEEDED)
        pytest.skip(NEEDED)
    # Playwright runs an event loop in this thread; the database is only asked between its calls.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with eyes(chromium) as made:
        yield made
