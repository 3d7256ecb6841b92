"""How many connections a relay has at once, over every worker: a slot each, with a lease."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from campaigns.models import Relay, RelaySlot
from campaigns.relays.allowances import database_now


def take_slot(*, relay: str, most: int, worker: str) -> bool:
    """Hold one of `most` connections; return whether there was one. One that the worker holds
    already is held on to. A dead worker's is free when its lease ends."""
    with transaction.atomic(using="default"):
        Relay.objects.select_for_update().get(code=relay)  # one at a time: slots are few
        at = database_now()
        until = at + timedelta(seconds=settings.LEASE_SECONDS)
        RelaySlot.objects.filter(relay_id=relay, lease_until__lt=at).delete()
        slots = RelaySlot.objects.filter(relay_id=relay)
        if slots.filter(worker=worker).update(lease_until=until):
            return True
        taken = set(slots.values_list("number", flat=True))
        free = next((number for number in range(most) if number not in taken), None)
        if free is None or len(taken) >= most:
            return False
        RelaySlot.objects.create(relay_id=relay, number=free, worker=worker, lease_until=until)
    return True


def leave_slot(*, relay: str, worker: str) -> None:
    """Let go of the connection. Calling twice is safe."""
    RelaySlot.objects.filter(relay_id=relay, worker=worker).delete()
