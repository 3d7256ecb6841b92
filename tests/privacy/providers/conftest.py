"""A key server, and a ring that it wraps."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from privacy.vault.keyring import LocalKeyRing, key_ring
from tests.conftest import NOW
from tests.privacy.providers.servers import Server, kinds, server


@pytest.fixture(scope="session", params=kinds())
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(request.param) as made:
        yield made


def _forget() -> None:
    key_ring.cache_clear()


@pytest.fixture
def keys(running: Server, settings: Settings) -> Iterator[Server]:
    """The server of this test, named in the settings as operators would."""
    settings.KEY_PROVIDER = "transit"
    settings.TRANSIT_URL, settings.TRANSIT_TOKEN = running.url, running.token
    settings.TRANSIT_MOUNT = running.mount
    _forget()
    yield running
    _forget()


@pytest.fixture
def ring(keys: Server, tmp_path: Path) -> LocalKeyRing:
    made = LocalKeyRing(tmp_path / "keys")
    made.found(now=NOW)
    return made


@pytest.fixture
def installed(keys: Server, settings: Settings, tmp_path: Path) -> Iterator[LocalKeyRing]:
    """The installation of the tests, its ring moved to the key server, in a folder of its own."""
    from privacy.vault.moving import move_ring

    folder = tmp_path / "installed"
    shutil.copytree(settings.KEYS_DIR, folder)
    settings.KEYS_DIR = folder
    move_ring(folder, to="transit", now=NOW)
    _forget()
    yield key_ring()
    _forget()
