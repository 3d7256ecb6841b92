"""Sessions whose content is unreadable in a copy of the database.

A session holds what was typed at the sign-in (by mistake an e-mail address, or the password) and
the secret of an authenticator that is being set up. Django signs that and leaves it readable.
"""

import base64
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.sessions.backends import db

_NONCE_BYTES = 12
_INFO = b"accord session v1"


class SessionStore(db.SessionStore):
    """Django's sessions in the database; what it writes is sealed under a key of SECRET_KEY."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        plain = self.serializer().dumps(session_dict)
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + _cipher().encrypt(nonce, plain, _INFO)).decode("ascii")

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Return the content; nothing where it does not open, as Django does with a bad one."""
        try:
            sealed = base64.b64decode(session_data, validate=True)
            plain = _cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _INFO)
        except (ValueError, InvalidTag):  # of another key, or of before
            return {}
        content: dict[str, Any] = self.serializer().loads(plain)
        return content


def _cipher() -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO)
    return AESGCM(derived.derive(settings.SECRET_KEY.encode()))
