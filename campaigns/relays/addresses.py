"""The addresses of the relays, from the settings: they hold passwords and keys.

They are in no database, no log and no page. A relay is known elsewhere by its code.
"""

from collections.abc import Mapping

from django.conf import settings

from campaigns.models import Relay
from campaigns.providers.addresses import ProviderAddress, is_provider
from campaigns.relays.breaker import reset
from campaigns.smtp.addresses import BadRelayAddress, RelayAddress
from privacy.services import keyed_id

DEFAULT = "default"


def relay_urls() -> Mapping[str, str]:
    return {DEFAULT: settings.RELAY_URL, **settings.RELAY_URLS}


def parsed(url: str) -> RelayAddress | ProviderAddress:
    """Raises BadRelayAddress, which never repeats the address."""
    return ProviderAddress.parse(url) if is_provider(url) else RelayAddress.parse(url)


def shown(url: str) -> str:
    """Return what a page may show of an address: where it leads and how, never who with what."""
    try:
        address = parsed(url)
    except BadRelayAddress as error:
        return str(error)
    if isinstance(address, ProviderAddress):
        return f"{address.backend} API"
    words = {"tls": ", TLS", "starttls": ", STARTTLS", "opportunistic": ", STARTTLS?", "none": ""}
    return f"{address.host}:{address.port}{words[address.security]}"


def know_relays() -> dict[str, str]:
    """Give every relay of the settings its row, and a new chance to one whose address changed.

    Returns the addresses by code. Calling twice is safe.
    """
    urls = relay_urls()
    known = dict(Relay.objects.filter(code__in=urls).values_list("code", "address_print"))
    prints = {
        code: keyed_id(scope="relay_address", parts=[url.encode()]) for code, url in urls.items()
    }
    new = [Relay(code=code, address_print=prints[code]) for code in urls if code not in known]
    if new:
        Relay.objects.bulk_create(new, ignore_conflicts=True)
    for code, print_of in known.items():
        if print_of is None or bytes(print_of) != prints[code]:
            reset(relay=code, address_print=prints[code])
    return dict(urls)
