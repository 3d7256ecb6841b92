"""The one-click opt-out of RFC 8058, sent as a mail provider sends it."""

import re
import urllib.error
import urllib.request
from email.message import EmailMessage
from urllib.parse import urlsplit

from deploy.mail_catcher.mailbox import header

BODY = b"List-Unsubscribe=One-Click"
SECONDS = 10


class NotOffered(ValueError):
    """The mail offers no one-click opt-out at the desk's own public address."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """RFC 8058 section 3.1: the sender must not answer with a redirect, so none is followed."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def address_of(message: EmailMessage, *, public_url: str) -> str | None:
    """Return the address to post to, if the mail offers one there.

    Only the desk's own public side: a mail must not make this machine knock elsewhere.
    """
    if header(message, "List-Unsubscribe-Post").replace(" ", "") != BODY.decode():
        return None
    offered = re.findall(r"<([^<>\s]+)>", header(message, "List-Unsubscribe"))
    own = urlsplit(public_url)[:2]
    return next((address for address in offered if urlsplit(address)[:2] == own), None)


def post(message: EmailMessage, *, public_url: str) -> int | None:
    """Post the opt-out and return the answer's status, None if nobody answered.

    Raises NotOffered.
    """
    address = address_of(message, public_url=public_url)
    if address is None:
        raise NotOffered
    # S310 fears file://: the scheme is that of the public address. No proxy and no redirect.
    request = urllib.request.Request(address, data=BODY, method="POST")  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    except OSError:
        return None
