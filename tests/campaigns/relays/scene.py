"""Several scripted relays at once, and the rows that say what each may do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.utils import timezone
from pytest_django import Settings

from campaigns.models import Delivery, Relay, RelayAllowance, SenderRefusal
from campaigns.relays.addresses import know_relays
from tests.campaigns import cast
from tests.campaigns.smtp.relay import Script, relay

NOBODY = "smtp://127.0.0.1:9?timeout=1"


@contextmanager
def relays(settings: Settings, **scripts: Script) -> Iterator[None]:
    """The first one is the default; each has its row."""
    with ExitStack() as stack:
        urls = {}
        for code, script in scripts.items():
            address = stack.enter_context(relay(script))
            urls[code] = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        settings.RELAY_URL = urls.pop("default", NOBODY)
        settings.RELAY_URLS = urls
        know_relays()
        yield


def change(code: str, **values: object) -> None:
    assert Relay.objects.filter(code=code).update(**values) == 1


def subscribers(*addresses: str) -> None:
    for address in addresses:
        cast.subscriber(address)


def make_due() -> None:
    """The time that everything in the queue waits for has come."""
    Delivery.objects.filter(state=1).update(due_at=timezone.now())


def end_of_pauses() -> None:
    RelayAllowance.objects.update(paused_until=None, used={})
    Relay.objects.exclude(open_until=None).update(open_until=timezone.now())
    SenderRefusal.objects.update(open_until=timezone.now())
    make_due()
