"""Asks the DNS whether the sending domain says who may send for it: SPF, DKIM, DMARC.

Gmail, Yahoo and Microsoft require all three of who sends much. Where no resolver answers, it is
not known, and said so.
"""

import base64
import re
from collections.abc import Callable

import dns.exception
import dns.resolver

from campaigns.preflight.findings import Finding, passed, unknown, warning

_SECONDS = 3.0
_LOOKUPS = re.compile(
    r"(?:^|\s)[+?~-]?(?:include:|a(?=[:/\s]|$)|mx(?=[:/\s]|$)|ptr|exists:|redirect=)", re.IGNORECASE
)
_MOST_LOOKUPS = 10  # RFC 7208 4.6.4
_SHORTEST_KEY_BYTES = 160  # of the DER: 1024 bits are 162, 2048 are 294

Texts = Callable[[str], list[str]]


class NoAnswer(Exception):
    """No resolver answered: nothing is known."""


def resolver_texts(resolver: dns.resolver.Resolver | None = None) -> Texts:
    """Return how to read the TXT records of a name; a name without any has an empty list.

    The resolver is the system's, or a given one. The function raises NoAnswer.
    """

    def texts(name: str) -> list[str]:
        try:
            asked = resolver or dns.resolver.Resolver()
            answer = asked.resolve(name, "TXT", lifetime=_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError):
            raise NoAnswer from None
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return texts


def authentication_findings(
    *,
    from_domain: str,
    return_domain: str,
    signing_domain: str,
    selector: str,
    signs: bool,
    texts: Texts,
) -> list[Finding]:
    """What the DNS says of the domain of the sender and of that of the return path.

    `signs` is whether this installation signs with DKIM itself; else its relay may.
    """
    try:
        return [
            _spf(return_domain, texts),
            _dkim(signing_domain, selector, texts, signs=signs),
            _dmarc(from_domain, texts),
            _alignment(from_domain, return_domain),
        ]
    except NoAnswer:
        return [unknown("authentication", domain=from_domain)]


def _spf(domain: str, texts: Texts) -> Finding:
    found = [text for text in texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if not found:
        return warning("spf-missing", domain=domain)
    if len(found) > 1:
        return warning("spf-twice", domain=domain)
    if re.search(r"\s\+?all\b", found[0], re.IGNORECASE):
        return warning("spf-open", domain=domain)
    if len(_LOOKUPS.findall(found[0])) > _MOST_LOOKUPS:
        return warning("spf-lookups", domain=domain)
    return passed("spf", domain=domain)


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _dkim(domain: str, selector: str, texts: Texts, *, signs: bool) -> Finding:
    name = f"{selector}._domainkey.{domain}"
    found = [tags for tags in map(_tags, texts(name)) if "p" in tags]
    if not found and not signs:
        return unknown("dkim-relay", name=name)
    if not found:
        return warning("dkim-missing", name=name)
    key = re.sub(r"\s", "", found[0]["p"])
    if not key:
        return warning("dkim-revoked", name=name)
    try:
        der = base64.b64decode(key, validate=True)
    except ValueError:
        return warning("dkim-broken", name=name)
    is_short = found[0].get("k", "rsa") == "rsa" and len(der) < _SHORTEST_KEY_BYTES
    return warning("dkim-short", name=name) if is_short else passed("dkim", name=name)


def _dmarc(domain: str, texts: Texts) -> Finding:
    """The record of the domain, else of those above it (RFC 7489 6.6.3, DMARCbis' walk)."""
    labels = domain.split(".")
    for at in range(max(1, len(labels) - 1)):
        name = ".".join(["_dmarc", *labels[at:]])
        found = [
            text for text in texts(name) if text.replace(" ", "").lower().startswith("v=dmarc1")
        ]
        if len(found) > 1:
            return warning("dmarc-twice", domain=domain)
        if found:
            policy = _tags(found[0]).get("p", "none")
            return passed("dmarc", domain=domain, policy=policy[:20])
    return warning("dmarc-missing", domain=domain)


def _alignment(from_domain: str, return_domain: str) -> Finding:
    one, other = from_domain.lower(), return_domain.lower()
    is_aligned = one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
    detail = {"sender": one, "path": other}
    return passed("alignment", **detail) if is_aligned else warning("alignment", **detail)
