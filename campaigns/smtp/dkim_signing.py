"""DKIM (RFC 6376) for relays that do not sign themselves."""

from pathlib import Path

import dkim

from campaigns.smtp.addresses import wire_domain

# RFC 8058 wants both unsubscribe headers covered. From, To and Subject stand twice: signing one
# more than there is means nobody can add a second one on the way.
_COVERED = [
    *("from", "from", "to", "to", "subject", "subject", "reply-to", "date", "message-id"),
    *("mime-version", "content-type", "content-language"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
    *("cfbl-address", "auto-submitted"),
]


class SigningKeyUnusable(Exception):
    """The DKIM key file cannot be read or is neither RSA nor Ed25519."""


class DkimSigner:
    """Signs with one key for one domain. Raises SigningKeyUnusable when built, not when used."""

    def __init__(
        self, *, domain: str, selector: str, key_path: Path, algorithm: str = "rsa-sha256"
    ) -> None:
        self._domain = wire_domain(domain).encode()
        self._selector = selector.encode("ascii")
        self._algorithm = algorithm.encode("ascii")
        try:
            self._key = key_path.read_bytes()
            self.sign(b"From: trial@example.org\r\n\r\ntrial\r\n")
        except (OSError, ValueError, dkim.DKIMException) as error:
            raise SigningKeyUnusable(str(key_path)) from error

    def __repr__(self) -> str:
        return f"DkimSigner({self._domain.decode()})"

    def sign(self, message: bytes) -> bytes:
        """The message with its DKIM-Signature in front; line ends must be CR LF."""
        present = {
            line.split(b":", 1)[0].lower()
            for line in message.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
            if line[:1] not in b" \t"
        }
        covered = [name.encode() for name in _COVERED if name.encode() in present]
        signature: bytes = dkim.sign(
            message,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            signature_algorithm=self._algorithm,
            include_headers=covered,
        )
        return signature + message
