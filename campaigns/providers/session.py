"""One message to a provider's web API, and what its answer means.

The message is the one an SMTP relay would get: its headers and parts are read back from its bytes.
The provider makes the envelope sender and the DKIM signature, some of them Message-ID, Date and
List-Id as well; it returns our return path with every event (metadata), and its own id.
"""

import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailRecipientsRefused,
)
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string
from urllib3.exceptions import NewConnectionError

from campaigns.providers.addresses import BACKENDS, TRACKING_IN_ACCOUNT, ProviderAddress
from campaigns.smtp.outcomes import Accepted, HandOverInDoubt, Refused, RelayUnavailable

# What goes along as it is; the provider writes the others.
_HEADERS = (
    *("Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"),
    *("CFBL-Address", "Auto-Submitted", "Precedence", "Content-Language"),
)
# What a provider refuses to take from others (Mailjet's own list of forbidden headers).
_REFUSED_HEADERS: Mapping[str, frozenset[str]] = {
    "mailjet": frozenset({"message-id", "list-id"}),
}
# These can be told per message not to measure; with the others it is a setting of the account.
_TRACKING_PER_MESSAGE = BACKENDS - TRACKING_IN_ACCOUNT
_LIST_ID = re.compile(r"<[^<>]+>\s*$")
_ACCOUNT = frozenset({401, 402, 403})
_LATER = frozenset({429, 503})


class ProviderSession:
    """A kept connection to one provider. Not for several threads."""

    def __init__(self, address: ProviderAddress) -> None:
        """Raises RelayUnavailable where an option is missing or unknown."""
        self._backend = address.backend
        options = {**address.options, "timeout": address.timeout_seconds}
        try:
            maker = import_string(f"anymail.backends.{address.backend}.EmailBackend")
            self._api: Any = maker(fail_silently=False, **options)
            self._api.open()
        except (AnymailConfigurationError, TypeError) as error:
            raise RelayUnavailable(f"{type(error).__name__}: see the provider's options.") from None
        # A redirected POST would become a GET, or give the message to another host.
        self._api.session.max_redirects = 0

    def leave(self) -> None:
        """Close the connection; safe to call twice."""
        self._api.close()

    def send(self, message: bytes, *, return_path: str) -> Accepted | Refused:
        """Hand one message over; `queue_id` of Accepted is the provider's id.

        Raises RelayUnavailable (not taken) and HandOverInDoubt (nobody can tell).
        """
        outgoing = _outgoing(self._backend, message, return_path)
        try:
            self._api.send_messages([outgoing])
        except AnymailRecipientsRefused:
            return _refused(550, stage="recipient")
        except AnymailAPIError as error:
            return _answer_of(error)
        except AnymailError as error:  # a feature it does not have, a value it cannot be given
            return _refused(0, stage="data", text=type(error).__name__)
        return _result_of(outgoing)


def _outgoing(backend: str, message: bytes, return_path: str) -> EmailMultiAlternatives:
    parsed = message_from_bytes(message, EmailMessage, policy=policy.default)
    text, html = (parsed.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    outgoing = EmailMultiAlternatives(
        subject=str(parsed["Subject"]),
        body=text.get_content().replace("\r\n", "\n") if text else "",
        from_email=str(parsed["From"]),
        to=[str(parsed["To"])],
        reply_to=[str(parsed["Reply-To"])] if parsed["Reply-To"] else None,
        headers=_headers(backend, parsed),
    )
    if html:
        outgoing.attach_alternative(html.get_content().replace("\r\n", "\n"), "text/html")
    outgoing.metadata = {"return_path": return_path}  # type: ignore[attr-defined]
    if backend in _TRACKING_PER_MESSAGE:
        # Who agreed to be measured is measured by us; nobody is by others.
        outgoing.track_opens = outgoing.track_clicks = False  # type: ignore[attr-defined]
    return outgoing


def _headers(backend: str, parsed: EmailMessage) -> dict[str, str]:
    refused = _REFUSED_HEADERS.get(backend, frozenset())
    found = {
        name: str(parsed[name])
        for name in _HEADERS
        if parsed[name] is not None and name.lower() not in refused
    }
    list_id = found.get("List-Id", "")
    if not list_id.isascii() and (identifier := _LIST_ID.search(list_id)):
        # APIs take no encoded words; the identifier is what counts (RFC 2919).
        found["List-Id"] = identifier[0].strip()
    return found


def _refused(code: int, *, stage: Any, text: str = "", permanent: bool = True) -> Refused:
    return Refused(code, "", text, permanent=permanent, stage=stage)


def _answer_of(error: AnymailAPIError) -> Refused:
    """What an error of the API means. Raises RelayUnavailable and HandOverInDoubt.

    Texts of the provider are not kept: they may repeat the person's address.
    """
    code = error.status_code
    if code is None:
        if _never_left(error):
            raise RelayUnavailable("The provider's API cannot be reached.") from None
        raise HandOverInDoubt("The connection to the provider ended before its answer.") from None
    if code in _LATER:
        return _refused(code, stage="session", permanent=False)
    if code in _ACCOUNT:
        return _refused(code, stage="session")
    if 400 <= code < 500:
        return _refused(code, stage="data")
    # A 5xx may come from something in front of the API that has already passed it on; and a 2xx
    # that cannot be read was most likely a yes.
    raise HandOverInDoubt(f"The provider answered {code}.") from None


def _never_left(error: AnymailAPIError) -> bool:
    """Only what fails before the request is written is a definite no."""
    before = (
        requests.exceptions.ConnectTimeout, requests.exceptions.SSLError,
        requests.exceptions.TooManyRedirects, requests.exceptions.InvalidURL,
    )  # fmt: skip
    if isinstance(error, before):
        return True
    cause = error.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    return isinstance(reason, NewConnectionError)


def _result_of(outgoing: EmailMultiAlternatives) -> Accepted | Refused:
    status = outgoing.anymail_status  # type: ignore[attr-defined]
    found = {each.status: each.message_id for each in status.recipients.values()}
    for taken in ("sent", "queued"):
        if taken in found:
            return Accepted(queue_id=str(found[taken] or ""), reply=taken)
    if "failed" in found:
        return _refused(400, stage="data")
    if found.keys() <= {"rejected", "invalid"} and found:
        return _refused(550, stage="recipient")
    raise HandOverInDoubt("The provider did not say what it did.")
