"""Sessions in the database of which a copy of the database opens none.

A row stands under the digest of the cookie's key, and what the session holds (a username that was
typed, the secret of an authenticator that is being set up) is sealed. Django's own store keeps
both in clear, signed only.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from crm.models import StaffSession

STARTED = "started_at"
SEEN = "seen_at"
NETWORK = "network"
BROWSER = "browser"
SIGN_IN = "sign_in_id"


@lru_cache(maxsize=4)
def _sealer(secrets: tuple[str, ...]) -> MultiFernet:
    def key(secret: str) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"accord session v1")
        return base64.urlsafe_b64encode(derivation.derive(secret.encode()))

    return MultiFernet([Fernet(key(secret)) for secret in secrets])


def _seal() -> MultiFernet:
    return _sealer((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def row_key(session_key: str) -> str:
    """Return the name of a session's row: the cookie is 165 random bits, so a digest hides it."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def _moment(stamp: object) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, float) else None


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[StaffSession]:
        return StaffSession

    def _get_session_from_db(self) -> StaffSession | None:
        rows = StaffSession.objects.filter(expire_date__gt=timezone.now())
        row = rows.filter(session_key=row_key(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(row_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            StaffSession.objects.filter(session_key=row_key(key)).delete()

    def create_model_instance(self, data: dict[str, Any]) -> StaffSession:
        return StaffSession(
            session_key=row_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            account_id=data.get(SESSION_KEY),
            sign_in_id=data.get(SIGN_IN),
            began_at=_moment(data.get(STARTED)),
            seen_at=_moment(data.get(SEEN)),
            network=data.get(NETWORK, ""),
            browser=data.get(BROWSER, ""),
        )

    def encode(self, session_dict: dict[str, Any]) -> str:
        return _seal().encrypt(json.dumps(session_dict).encode()).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            opened: dict[str, Any] = json.loads(_seal().decrypt(session_data))
        except InvalidToken:  # sealed under a key that is no longer ours: not signed in
            return {}
        return opened
