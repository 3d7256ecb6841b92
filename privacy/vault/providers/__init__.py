"""What wraps the keys of the ring: a file beside them, or a key server.

To add a provider: a module here with a class of this protocol, and its name in `provider`.
"""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings

from privacy.vault.ring_files import Content, KeysMissing

LOCAL, TRANSIT = "local", "transit"


class KeyServerFails(KeysMissing):
    """The key server as a whole does not serve us: that says nothing of any one key."""


class KeyProvider(Protocol):
    """Wraps keys for the files of a ring, each bound to its label.

    Every verb raises KeysMissing, with words about what to do, when it cannot.
    """

    name: str

    def exists(self) -> bool:
        """Whether the ring in this folder is one of this provider's, and complete."""

    def begin(self) -> None:
        """Make what wraps the keys of a new ring; safe to repeat until `complete`."""

    def complete(self, *, now: datetime) -> None:
        """Write last what makes the ring one."""

    def wrap(self, *, stem: str, label: str, key: bytes) -> Content:
        """Return what the file `stem` keeps of a wrapped key."""

    def unwrap(self, *, content: Content, label: str) -> bytes:
        """Return the key that `wrap` wrapped for this label."""

    def has_wrapped(self, *, content: Content) -> bool:
        """Whether this provider has a wrapping in that file."""

    def stripped(self, *, content: Content) -> Content:
        """Return the content without what this provider keeps in it."""

    def destroy(self, *, stem: str, content: Content) -> bool:
        """Make every copy of the file `stem` worthless, as far as this provider can.

        The content may be empty, or no wrapping of this provider. Returns whether that was seen to
        happen: False where there was nothing to destroy. Safe to repeat.
        """

    def renew(self) -> int:
        """Prolong what lets us in; return the seconds until its end, 0 when there is none."""

    def retire(self) -> None:
        """Take away what wrapped the keys: another provider does now. Safe to repeat."""


def provider(folder: Path, *, name: str = "") -> KeyProvider:
    """Return the provider of a ring: the one that ACCORD_KEY_PROVIDER names, unless told."""
    # Here, because only the processes of an installation with a key server need its library.
    if (name or settings.KEY_PROVIDER) == TRANSIT:
        from privacy.vault.providers.transit import TransitProvider

        return TransitProvider(folder)
    from privacy.vault.providers.local import LocalProvider

    return LocalProvider(folder)
