"""The token for the key server, kept alive."""

import logging

from privacy.vault.keyring import key_ring
from privacy.vault.providers import TRANSIT
from privacy.vault.ring_files import KeysMissing

logger = logging.getLogger("privacy.vault")
SHORT_SECONDS = 3 * 3600


def renew_key_token() -> int | None:
    """Prolong the token and return the seconds it has (0: no end), None where there is no server.

    A failure is logged and not raised: what was opened stays open, and the next bell tries again.
    """
    wraps = key_ring().provider
    if wraps.name != TRANSIT:
        return None
    try:
        seconds = wraps.renew()
    except KeysMissing as error:
        logger.error("key server: %s", error)
        return None
    if 0 < seconds < SHORT_SECONDS:
        logger.error("key server: the token ends in %s seconds and cannot be prolonged", seconds)
    return seconds
