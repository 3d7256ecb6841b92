"""A provider as written in the settings: which API, and the keys to it.

``anymail:brevo?api_key=...`` The options are django-anymail's own for that provider, in small
letters: ``anymail:mailjet?api_key=...&secret_key=...``. A few say besides that they do not measure:
``anymail:brevo?api_key=...&tracking=off_in_account``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from campaigns.smtp.addresses import BadRelayAddress

_SCHEME = "anymail"
# Those whose API is plain HTTPS: Amazon's needs its own library, and its SMTP relay does not.
BACKENDS = frozenset(
    {
        *("brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill"),
        *("postmark", "resend", "scaleway", "sendgrid", "sparkpost"),
    }
)
# These measure openings and clicks unless their own account says otherwise; a message cannot. Who
# gives such an address says with it that the account does.
TRACKING_IN_ACCOUNT = frozenset({"brevo", "mailtrap", "resend", "scaleway"})
_TRACKING_IS_OFF = "off_in_account"
_OPTION = re.compile(r"[a-z][a-z_]{1,40}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ProviderAddress:
    """A provider's API and its options, some of which are secret."""

    backend: str
    options: Mapping[str, str] = field(repr=False)
    timeout_seconds: float = 30.0

    @classmethod
    def parse(cls, url: str) -> "ProviderAddress":
        """Raises BadRelayAddress. Never repeats the address, which holds the keys."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path not in BACKENDS:
            raise BadRelayAddress(f"anymail: is one of {', '.join(sorted(BACKENDS))}.")
        if not options or not all(_OPTION.fullmatch(name) for name in options):
            raise BadRelayAddress("A provider's options are like ?api_key=...")
        tracking = options.pop("tracking", "")
        if parts.path in TRACKING_IN_ACCOUNT and tracking != _TRACKING_IS_OFF:
            raise BadRelayAddress(
                f"{parts.path} measures openings and clicks unless its account says otherwise:"
                f" switch that off there, and say so with &tracking={_TRACKING_IS_OFF}."
            )
        timeout = _seconds(options.pop("timeout", "30"))
        _refuse_unsafe(options.get("api_url", ""))
        return cls(parts.path, options, timeout)


def is_provider(url: str) -> bool:
    return url.startswith(f"{_SCHEME}:")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise BadRelayAddress("A provider's time-out is a number of seconds.") from error
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise BadRelayAddress("A provider's time-out is between 0 and 60 seconds.")
    return seconds


def _refuse_unsafe(api_url: str) -> None:
    parts = urlsplit(api_url)
    if api_url and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise BadRelayAddress("A provider's API is asked over https; http only on this machine.")
