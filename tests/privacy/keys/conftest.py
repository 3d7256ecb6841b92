"""Every test of keys has a ring of its own: what is destroyed here is missed by nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from privacy.founding import found_installation
from privacy.models import SealingKeyPair, SealingPublicKey, VaultInstance
from privacy.services import refresh_sealing_key
from privacy.vault.installation import instance_id
from privacy.vault.keyring import LocalKeyRing, key_ring
from tests.conftest import NOW
from tests.privacy.keys.people import forget_epochs


def _forget() -> None:
    for remembered in (key_ring, instance_id):
        remembered.cache_clear()


@pytest.fixture
def ring(transactional_db: None, settings: Settings, tmp_path: Path) -> Iterator[LocalKeyRing]:
    settings.KEYS_DIR = tmp_path / "keys"
    _forget()
    LocalKeyRing(settings.KEYS_DIR).found(now=NOW)
    forget_epochs()
    VaultInstance.objects.all().delete()
    SealingKeyPair.objects.all().delete()
    SealingPublicKey.objects.all().delete()
    found_installation(now=NOW)
    refresh_sealing_key(now=NOW)
    yield key_ring()
    _forget()
