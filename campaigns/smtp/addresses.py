"""Where mail goes and who it says it is from: addresses checked before any of them meets a wire."""

import base64
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import idna

Security = Literal["tls", "starttls", "opportunistic", "none"]
_STARTTLS: dict[str, Security] = {
    "required": "starttls",
    "offered": "opportunistic",
    "never": "none",
}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_OPTIONS = {"starttls", "timeout", "final_timeout", "ehlo", "ca", "verify"}
_LOCAL_PART = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"@]+")
_VERP = re.compile(r"bounce\+([a-z2-7]+)@", re.IGNORECASE)
# 80 bits: a forged bounce must cost more than the nuisance it brings.
_MAC_BYTES = 10


class BadAddress(ValueError):
    """This is not an address a message can be sent to or from."""


class BadRelayAddress(ValueError):
    """The relay's address cannot be used; the text says which part is wrong."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay and how to reach it, as written in the settings.

    ``smtp://user:password@host:587?starttls=required&timeout=30``, or ``smtps://`` for TLS from
    the first byte. STARTTLS is required unless the relay is on this machine.
    """

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = 30.0
    # RFC 5321 4.5.3.2.6 asks for ten minutes after the dot; ours must end before the lease (360 s).
    final_timeout_seconds: float = 300.0
    ehlo_name: str = ""
    ca_file: str = ""
    verify: bool = True

    @classmethod
    def parse(cls, url: str) -> "RelayAddress":
        """Raises BadRelayAddress. Never repeats the URL, which holds the password."""
        try:
            parts = urlsplit(url)
        except ValueError:  # a bracket that is not closed: its words would repeat the address
            raise BadRelayAddress("A relay's address is like smtp://host:25.") from None
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        _check_url(parts.scheme, parts.hostname, options)
        tls = parts.scheme == "smtps"
        host = parts.hostname or ""
        address = cls(
            host=host,
            port=_port(parts.netloc, url) or (465 if tls else 25),
            security="tls" if tls else _security(host, options),
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            timeout_seconds=_seconds(options.get("timeout", "30")),
            final_timeout_seconds=_seconds(options.get("final_timeout", "300")),
            ehlo_name=options.get("ehlo", ""),
            ca_file=options.get("ca", ""),
            verify=options.get("verify", "yes") != "no",
        )
        address._refuse_password_in_clear()
        return address

    @property
    def is_local(self) -> bool:
        return self.host in _LOOPBACK

    def _refuse_password_in_clear(self) -> None:
        if self.username and self.security in ("none", "opportunistic") and not self.is_local:
            raise BadRelayAddress("A password needs TLS: use smtps:// or starttls=required.")


def _check_url(scheme: str, host: str | None, options: dict[str, str]) -> None:
    if scheme not in ("smtp", "smtps"):
        raise BadRelayAddress("A relay's address starts with smtp:// or smtps://.")
    if not host:
        raise BadRelayAddress("The relay's address names no host.")
    if unknown := sorted(set(options) - _OPTIONS):
        raise BadRelayAddress(f"Unknown relay options: {', '.join(unknown)}.")


def _port(netloc: str, url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError as error:
        raise BadRelayAddress("The relay's port is not a number from 1 to 65535.") from error


def _security(host: str, options: dict[str, str]) -> Security:
    wanted = options.get("starttls", "never" if host in _LOOPBACK else "required")
    if wanted not in _STARTTLS:
        raise BadRelayAddress("starttls is one of required, offered, never.")
    return _STARTTLS[wanted]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise BadRelayAddress("A relay time-out is a number of seconds.") from error
    if not 0 < seconds <= 3600:
        raise BadRelayAddress("A relay time-out is between 0 and 3600 seconds.")
    return seconds


def has_controls(text: str) -> bool:
    """True for CR, LF, NUL, U+2028, bidirectional overrides and their like; spaces are fine."""
    if text.isprintable():
        return False
    return any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text
    )


def wire_address(address: str) -> str:
    """The address as the relay gets it: domain in A-labels, local part untouched.

    Raises BadAddress (without repeating the address) for anything that is not local@domain.
    """
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or not _is_plain(local):
        raise BadAddress("The part before the @ cannot be sent to.")
    if len(local.encode()) > 64:  # RFC 5321 4.5.3.1.1
        raise BadAddress("The part before the @ is longer than 64 bytes.")
    return f"{local}@{wire_domain(domain)}"


def _is_plain(local: str) -> bool:
    return local.isprintable() and not any(character.isspace() for character in local)


def wire_domain(domain: str) -> str:
    """IDNA 2008 (UTS 46 mapped) A-labels, lower case. Raises BadAddress."""
    if domain.isascii() and re.fullmatch(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", domain):
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        pass
    raise BadAddress("The part after the @ is not a domain name.")


def needs_smtputf8(address: str) -> bool:
    return not address.isascii()


def verp_address(*, delivery: int | UUID, mac: bytes, domain: str) -> str:
    """The return path of one delivery: ``bounce+<opaque>@domain``. The caller made the MAC.

    Base32 in lower case: some relays fold the case of a local part.
    """
    if len(mac) < _MAC_BYTES:
        raise ValueError(f"The MAC must have at least {_MAC_BYTES} bytes.")
    subject = delivery.bytes if isinstance(delivery, UUID) else delivery.to_bytes(8, "big")
    opaque = base64.b32encode(subject + mac[:_MAC_BYTES]).decode().rstrip("=").lower()
    return f"bounce+{opaque}@{wire_domain(domain)}"


def read_verp_address(address: str) -> tuple[int | UUID, bytes] | None:
    """The delivery and the truncated MAC to compare, or None if we did not write this address."""
    match = _VERP.match(address)
    if not match:
        return None
    letters = match[1].upper()
    try:
        opaque = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        return None
    subject, mac = opaque[:-_MAC_BYTES], opaque[-_MAC_BYTES:]
    if len(subject) == 16:
        return UUID(bytes=subject), mac
    return (int.from_bytes(subject, "big"), mac) if len(subject) == 8 else None
