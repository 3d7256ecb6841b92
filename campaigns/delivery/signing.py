"""The signatures of our domains, when this installation signs and not its relay."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from campaigns.smtp.dkim_keys import signing_keys
from campaigns.smtp.dkim_signing import DkimKey, DkimSigner

# A key whose day has come signs within this time, without a restart.
_LOOK_AGAIN_SECONDS = 60


def signer(sender_address: str) -> DkimSigner | None:
    """Return the signer for a sender, None when the relay signs. Raises SigningKeyUnusable."""
    domain = sender_address.rpartition("@")[2].lower()
    return _signer(domain, settings.DKIM_DIR, int(time.time() / _LOOK_AGAIN_SECONDS))


@lru_cache(maxsize=64)
def _signer(domain: str, folder: Path, minute: int) -> DkimSigner | None:
    at = datetime.fromtimestamp(minute * _LOOK_AGAIN_SECONDS, UTC)
    keys = signing_keys(folder, domain, at) or _key_of_the_settings()
    return DkimSigner(keys) if keys else None


def _key_of_the_settings() -> list[DkimKey]:
    if not settings.DKIM_KEY_PATH:
        return []
    domain = settings.SENDER_ADDRESS.rpartition("@")[2]
    path = Path(settings.DKIM_KEY_PATH)
    return [DkimKey(domain=domain, selector=settings.DKIM_SELECTOR, key_path=path)]
