"""Addresses in one canonical form, and the keyed tokens and fingerprints made of it.

A token finds a subject by its exact address; it lives in the vault and is never archived. A
fingerprint keeps a "no" after everything else is erased. Both are keyed: a bare hash of an
address can be guessed, so it anonymises nothing (CNIL, SAN-2020-003).
"""

import hashlib
import hmac
import re
import unicodedata

import idna
import phonenumbers

from privacy.vault.formats import length_prefixed

# RFC 5321 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 octets less its angle brackets)
LOCAL_PART_MAX, ADDRESS_MAX = 64, 254
FINGERPRINT_SIZE = 16
DOMAIN_MAX = 253  # RFC 1035 2.3.4, without the root's dot
# Letters, digits and inner hyphens, none of which makes an A-label: IDNA leaves it as it is.
_PLAIN_LABEL = r"(?![0-9-]|..--)[A-Za-z0-9-]{1,63}(?<!-)"
_PLAIN_DOMAIN = re.compile(rf"{_PLAIN_LABEL}(?:\.{_PLAIN_LABEL})+")
# A domain is only ever counted (letters in an hour); it has no index token.
DOMAIN = 3
LABELS = {1: b"email", 2: b"phone", DOMAIN: b"domain"}


class InvalidAddress(ValueError):
    """The address cannot be used; the message says why and never repeats it."""


def normalise_email(text: str) -> str:
    """Return the canonical form: NFC, domain as lower-case A-label, local part in lower case.

    ASCII letters of the local part are lowered although RFC 5321 2.4 lets a host tell them
    apart: none in use does, and one person must not become two. No provider's own rules (dots,
    +tags) are applied. Raises InvalidAddress. Idempotent.
    """
    address = unicodedata.normalize("NFC", text.strip())
    if any(
        unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Zs"} for character in address
    ):
        raise InvalidAddress("The e-mail address has a space or a control character.")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise InvalidAddress("The e-mail address needs a name, an @ and a domain.")
    if "@" in local:
        raise InvalidAddress("The e-mail address has more than one @.")
    domain = _wire_domain(domain)
    if "." not in domain:
        raise InvalidAddress("The domain of the e-mail address has no dot.")
    local = "".join(c.lower() if c.isascii() else c for c in local)
    if len(local.encode()) > LOCAL_PART_MAX or len(f"{local}@{domain}".encode()) > ADDRESS_MAX:
        raise InvalidAddress("The e-mail address is too long.")
    return f"{local}@{domain}"


def _wire_domain(domain: str) -> str:
    # Nearly every domain is plain already, and IDNA would work hard to say so.
    if _PLAIN_DOMAIN.fullmatch(domain) and len(domain) <= DOMAIN_MAX:
        return domain.lower()
    try:
        return idna.encode(domain.rstrip("."), uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise InvalidAddress("The domain of the e-mail address is not valid.") from None


def widen_email(normalised: str) -> str:
    """Return the address without its +tag, for suppression only: a "no" covers the tags too."""
    local, _, domain = normalised.rpartition("@")
    base = local.partition("+")[0]
    return f"{base or local}@{domain}"


def domain_of(normalised: str) -> str:
    return normalised.rpartition("@")[2]


def normalise_phone(text: str, *, region: str = "FR") -> str:
    """Return the number in E.164; raises InvalidAddress when no such number can exist."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise InvalidAddress("The telephone number is not a number.") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidAddress("The telephone number has too few or too many digits.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _digest(key: bytes, kind: int, normalised: str) -> bytes:
    message = length_prefixed(LABELS[kind], normalised.encode())
    return hmac.digest(key, message, hashlib.sha256)


def index_token(*, key: bytes, kind: int, normalised: str) -> int:
    """Return the token as a signed 64-bit integer.

    64 bits: addresses are unique, so equality tells nothing new, and among a million contacts a
    look-up meets a collision with a probability of about 5e-14.
    """
    return int.from_bytes(_digest(key, kind, normalised)[:8], "big", signed=True)


def fingerprint(*, key: bytes, kind: int, normalised: str) -> bytes:
    """Return the 16-byte keyed fingerprint that suppression remembers."""
    return _digest(key, kind, normalised)[:FINGERPRINT_SIZE]
