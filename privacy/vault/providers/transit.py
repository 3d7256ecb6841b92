"""The keys of the ring, wrapped by the transit engine of OpenBao or HashiCorp Vault.

Each file of the ring has a transit key of its own, which never leaves the server. To delete that
key is to destroy the file, wherever copies of it are. The shapes and the errors are OpenBao's
(openbao.org/api-docs/secret/transit); docs/key-providers.md says how to set it up.
"""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import hvac
import requests
from django.conf import settings
from hvac import exceptions as refusals

from privacy.vault.formats import KEY_SIZE
from privacy.vault.providers import KeyServerFails
from privacy.vault.providers.local import ring_context
from privacy.vault.ring_files import Content, KeysMissing, as_bytes, read, remove, write_once

# Seconds to connect and to answer: a page or a worker must say what is wrong, not hang.
TIMEOUT = (2, 5)
KEY_TYPE = "aes256-gcm96"
_NAME = re.compile(r"[a-z0-9-]{1,100}")


class KeyServerUnreachable(KeyServerFails):
    """The key server does not answer."""


class KeyServerSealed(KeyServerFails):
    """The key server is sealed: its officers must unseal it."""


class KeyServerForbids(KeyServerFails):
    """The key server refuses this token: it ran out, was revoked, or its policy is too narrow."""


class KeyServerLacksKey(KeysMissing):
    """The key server has no such key: it was destroyed, or this is another server or mount."""


class KeyServerRefuses(KeysMissing):
    """The key server does not open this file: it was altered, or belongs to another label."""


class TransitProvider:
    """A client of the key server. It has no repr of its own: tokens are never printed."""

    name = "transit"

    def __init__(self, folder: Path) -> None:
        self.marker = folder / "transit.json"
        self._ring = ""
        self._client: Any = None
        self._client_of = 0

    def exists(self) -> bool:
        return self.marker.exists()

    def begin(self) -> None:
        # Random, so that two installations on one mount never share a key.
        self._ring = self._ring or os.urandom(8).hex()

    def complete(self, *, now: datetime) -> None:
        if not self.exists():
            content = {"ring": self.ring(), "created_at": now.isoformat()}
            write_once(self.marker, as_bytes(content))

    def ring(self) -> str:
        """Return the name of this ring, in the middle of its keys' names; raises KeysMissing."""
        if self.exists():
            self._ring = str(read(self.marker).get("ring", ""))
        if not re.fullmatch("[0-9a-f]{16}", self._ring):
            raise KeysMissing(f"{self.marker.name} does not name a ring: put it back.")
        return self._ring

    def wrap(self, *, stem: str, label: str, key: bytes) -> Content:
        name = self._name_of(stem)
        transit, mount = self._transit()
        self._asked(transit.create_key, name=name, key_type=KEY_TYPE, mount_point=mount)
        _expect_closed(self._asked(transit.read_key, name=name, mount_point=mount), name)
        answer = self._asked(
            transit.encrypt_data,
            name=name,
            plaintext=b64encode(key).decode(),
            associated_data=b64encode(ring_context(label)).decode(),
            mount_point=mount,
        )
        wrapped = answer.get("ciphertext")
        if not isinstance(wrapped, str):
            raise KeyServerUnreachable("What answers at ACCORD_TRANSIT_URL is no key server.")
        return {"transit": {"key": name, "wrapped": wrapped}}

    def unwrap(self, *, content: Content, label: str) -> bytes:
        name, wrapped = self._wrapping(content)
        transit, mount = self._transit()
        answer = self._asked(
            transit.decrypt_data,
            name=name,
            ciphertext=wrapped,
            associated_data=b64encode(ring_context(label)).decode(),
            mount_point=mount,
        )
        try:
            key = b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, NotBase64):
            raise KeyServerRefuses(KeyServerRefuses.__doc__) from None
        if len(key) != KEY_SIZE:
            raise KeyServerRefuses(KeyServerRefuses.__doc__)
        return key

    def has_wrapped(self, *, content: Content) -> bool:
        return "transit" in content

    def stripped(self, *, content: Content) -> Content:
        return {name: value for name, value in content.items() if name != "transit"}

    def destroy(self, *, stem: str, content: Content) -> bool:
        try:
            name, _wrapped = self._wrapping(content)
        except KeysMissing:  # the file is gone, damaged, or one from before the move to the server
            name = self._name_of(stem)
        transit, mount = self._transit()
        try:
            self._asked(
                transit.update_key_configuration,
                name=name,
                deletion_allowed=True,
                mount_point=mount,
            )
            self._asked(transit.delete_key, name=name, mount_point=mount)
        except KeyServerLacksKey:  # an earlier try had come so far, or this is another server
            return False
        return True

    def retire(self) -> None:
        remove(self.marker)

    def renew(self) -> int:
        """Prolong the token; return the seconds it has, 0 for one without an end. KeysMissing."""
        client = self._connected()
        known = self._asked(client.auth.token.lookup_self)
        if not known.get("renewable"):
            return int(known.get("ttl", 0))
        answer = self._answer(client.auth.token.renew_self)
        return int(answer["auth"]["lease_duration"])

    def _name_of(self, stem: str) -> str:
        return f"accord-{self.ring()}-{stem}"

    def _wrapping(self, content: Content) -> tuple[str, str]:
        kept = content.get("transit")
        if not isinstance(kept, dict):
            raise KeysMissing("This ring lies in files: set ACCORD_KEY_PROVIDER=local, or move it.")
        name, wrapped = str(kept.get("key", "")), str(kept.get("wrapped", ""))
        # The name becomes part of an address: nothing else may.
        if not _NAME.fullmatch(name):
            raise KeyServerRefuses(KeyServerRefuses.__doc__)
        return name, wrapped

    def _asked(self, verb: Callable[..., Any], **arguments: Any) -> Content:
        found = self._answer(verb, **arguments).get("data")
        return found if isinstance(found, dict) else {}

    def _answer(self, verb: Callable[..., Any], **arguments: Any) -> Content:
        try:
            return _answer(verb, **arguments)
        except KeyServerForbids:
            if not self._has_new_token():
                raise
            return _answer(verb, **arguments)

    def _has_new_token(self) -> bool:
        """Whether the token's file says another than it did: then that one is used from now on."""
        try:
            token = Path(settings.TRANSIT_TOKEN_FILE).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):  # no file was named, or it is being exchanged just now
            return False
        if not token or token == self._client.token:
            return False
        self._client.token = token
        return True

    def _transit(self) -> tuple[Any, str]:
        return self._connected().secrets.transit, settings.TRANSIT_MOUNT

    def _connected(self) -> Any:
        if self._client_of != os.getpid():  # a forked worker shares no connection
            session = requests.Session()
            session.trust_env = False  # no proxy and no other trust than the settings'
            session.verify = settings.TRANSIT_CA or True
            self._client = hvac.Client(
                url=settings.TRANSIT_URL,
                token=settings.TRANSIT_TOKEN,
                namespace=settings.TRANSIT_NAMESPACE or None,
                timeout=TIMEOUT,
                # A redirect would take the token to another host.
                allow_redirects=False,
                session=session,
            )
            self._client_of = os.getpid()
        return self._client


def _expect_closed(key: Content, name: str) -> None:
    """Refuse a key that may leave the server: it would not be destroyed with it."""
    is_ours = key.get("type") == KEY_TYPE and not key.get("derived")
    if not is_ours or key.get("exportable") or key.get("allow_plaintext_backup"):
        raise KeyServerRefuses(f"The key {name} can be exported, or is no {KEY_TYPE}: delete it.")


def _answer(verb: Callable[..., Any], **arguments: Any) -> Content:
    """Return the server's answer; raises an error of ours for each way in which it fails."""
    try:
        answer = verb(**arguments)
    except requests.RequestException as error:
        # The class alone: the library's words quote the address, and its cause the certificate.
        reason = type(error).__name__
        raise KeyServerUnreachable(f"{KeyServerUnreachable.__doc__} ({reason})") from None
    except refusals.VaultError as error:
        raise _refusal(error) from None
    if isinstance(answer, requests.Response):  # nothing in it, as after a deletion
        if 300 <= answer.status_code < 400:
            raise KeyServerUnreachable("The key server redirects: set ACCORD_TRANSIT_URL anew.")
        return {}
    return answer if isinstance(answer, dict) else {}


_BY_STATUS: dict[type[refusals.VaultError], type[KeysMissing]] = {
    refusals.Unauthorized: KeyServerForbids,
    refusals.Forbidden: KeyServerForbids,
    refusals.InvalidPath: KeyServerLacksKey,
    refusals.VaultDown: KeyServerSealed,
    refusals.VaultNotInitialized: KeyServerSealed,
    refusals.InternalServerError: KeyServerUnreachable,
    refusals.BadGateway: KeyServerUnreachable,
    refusals.RateLimitExceeded: KeyServerUnreachable,
}
_LACKS = ("not found", "no existing key", "could be found")


def _refusal(error: refusals.VaultError) -> KeysMissing:
    said = " ".join(error.errors or []) if not isinstance(error.errors, str) else error.errors
    found: type[KeysMissing] = _BY_STATUS.get(type(error), KeyServerRefuses)
    if found is KeyServerRefuses and any(words in said for words in _LACKS):
        found = KeyServerLacksKey
    return found(found.__doc__)
