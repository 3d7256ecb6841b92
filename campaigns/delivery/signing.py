"""The signature of our domain, when this installation signs and not its relay."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from campaigns.smtp.dkim_signing import DkimSigner


@lru_cache(maxsize=1)
def signer() -> DkimSigner | None:
    """Return the signer of the settings, None when the relay signs. Raises SigningKeyUnusable."""
    if not settings.DKIM_KEY_PATH:
        return None
    domain = settings.SENDER_ADDRESS.rpartition("@")[2]
    return DkimSigner(
        domain=domain, selector=settings.DKIM_SELECTOR, key_path=Path(settings.DKIM_KEY_PATH)
    )
