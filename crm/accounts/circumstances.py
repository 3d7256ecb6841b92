"""From where and with what a request comes, kept coarse: a network, a family of browsers."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from crm.networks import coarse_network, request_address

# In this order: Edge and Opera call themselves Chrome as well, and Chrome calls itself Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def fingerprint(purpose: str, text: str) -> str:
    """Return 128 bits that say whether two texts are the same, to whoever has our key."""
    return salted_hmac(f"accord.{purpose}", text, algorithm="sha256").hexdigest()[:32]


def name_print(username: str) -> str:
    """Return the digest of a name that was tried, whether it exists or not."""
    return fingerprint("username", username)


def _family(agent: str, families: tuple[tuple[str, str], ...], default: str) -> str:
    return next((name for sign, name in families if sign in agent), default)


@dataclass(frozen=True)
class Circumstances:
    network: str
    browser: str
    network_print: str
    browser_print: str


def circumstances_of(request: HttpRequest) -> Circumstances:
    """Return the /24 or /48, the browser's family and system, and the digests of both.

    The digest of the browser is of its whole User-Agent: two versions are two browsers.
    """
    agent = request.META.get("HTTP_USER_AGENT", "")
    network = coarse_network(request_address(request))
    browser = _family(agent, _BROWSERS, "Safari" if "Safari/" in agent else "")
    system = _family(agent, _SYSTEMS, "")
    return Circumstances(
        network=network,
        browser=", ".join(part for part in (browser, system) if part),
        network_print=fingerprint("network", network),
        browser_print=fingerprint("browser", agent),
    )
