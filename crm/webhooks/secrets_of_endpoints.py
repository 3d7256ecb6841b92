"""The secrets that sign calls: made, shown once, sealed, and changed over without a gap."""

import base64
import secrets
from datetime import datetime
from uuid import UUID

from crm.models import WebhookEndpoint
from privacy.services import open_secret, seal_secret

_SCOPE, _BYTES, PREFIX = "webhook-secret", 32, "whsec_"


def new_secret() -> bytes:
    """Return 32 random bytes: Standard Webhooks asks for 24 to 64."""
    return secrets.token_bytes(_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as receivers take it."""
    return PREFIX + base64.b64encode(secret).decode()


def sealed_for(endpoint_id: UUID, secret: bytes) -> bytes:
    return seal_secret(scope=_SCOPE, place=endpoint_id.bytes, secret=secret)


def secrets_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[bytes]:
    """Return what signs for an endpoint now, the newest first: two while it changes over.

    Raises Unreadable.
    """
    kept = [bytes(endpoint.secret)]
    if endpoint.old_secret and endpoint.old_secret_until and endpoint.old_secret_until > now:
        kept.append(bytes(endpoint.old_secret))
    return [open_secret(scope=_SCOPE, place=endpoint.id.bytes, sealed=one) for one in kept]
