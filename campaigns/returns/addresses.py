"""The addresses that mail comes back to."""

import re
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from django.conf import settings

from campaigns.returns.reading import decoded

OPT_OUT, COMPLAINTS = "optout", "complaints"
_BOUNCE = re.compile(r"bounce\+[a-z2-7]{29}")
# Of a mailbox: the headers in which its server, or the sender, says whom a message is for.
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
_HEAD_BYTES = 64 * 1024


def opt_out_address() -> str:
    return f"{OPT_OUT}@{settings.MAIL_DOMAIN}"


def opt_out_mailto(one_click_url: str) -> str:
    """Return the address to say no by mail to, the token of the link as its subject; nothing where
    mail does not come back to us."""
    if not settings.RETURNS_BY_MAIL:
        return ""
    return f"{opt_out_address()}?subject={one_click_url.rpartition('/')[2]}"


def complaints_address() -> str:
    """Return where complaints are reported: the address of the settings, else the one that is read
    here; nothing where mail does not come back to us."""
    if settings.COMPLAINT_ADDRESS or not settings.RETURNS_BY_MAIL:
        return settings.COMPLAINT_ADDRESS
    return f"{COMPLAINTS}@{settings.MAIL_DOMAIN}"


def is_ours(address: str) -> bool:
    """Return whether mail to this address is taken in: by its shape, for there is no key here."""
    local, _at, domain = address.strip("<>").lower().rpartition("@")
    if f"{local}@{domain}" in {each.lower() for each in settings.RETURNS_ADDRESSES}:
        return True
    if domain != settings.MAIL_DOMAIN.lower():
        return False
    return local in (OPT_OUT, COMPLAINTS) or bool(_BOUNCE.fullmatch(local))


def is_opt_out(address: str) -> bool:
    return address.strip("<>").lower() == opt_out_address().lower()


def head_of(content: bytes) -> Message:
    """Return the headers of a message; none at all of what is no message."""
    try:
        return BytesHeaderParser().parsebytes(content[:_HEAD_BYTES])
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        return Message()


def recipients_named(content: bytes) -> list[str]:
    """Return the addresses of ours that the headers of a message name."""
    head = head_of(content)
    values = [str(value) for name in _RECIPIENT_HEADERS for value in head.get_all(name, [])]
    found = [address for _name, address in getaddresses([value[:2_000] for value in values])]
    return list(dict.fromkeys(address for address in found if is_ours(address)))


def subject_of(content: bytes) -> str:
    return decoded(head_of(content).get("Subject"))
