"""What the flows of the canaries have in common: how a person is found, and a button pressed."""

import re
from typing import Any
from uuid import UUID

import httpx

from privacy.services import normalise_email
from tests.canaries.people import Canary
from tests.canaries.theatre import Theatre
from tests.journeys import acts
from tests.journeys.stage import wait_for

FORM = "canaries"


def contact_of(person: Canary) -> UUID:
    address = normalise_email(person.email)
    return wait_for(lambda: acts.find(address), f"{person.given_name} to arrive")[0]


def newest(theatre: Theatre, person: Canary, after: int = 0) -> Any:
    """Return the newest mail to a person, once there are more than `after`."""
    wire = _known_address(theatre, person)
    return wait_for(lambda: theatre.inbox.to(wire)[after:], f"a mail to {wire}")[-1]


def _known_address(theatre: Theatre, person: Canary) -> str:
    """Return the address as the relay was told it."""
    return wait_for(
        lambda: next(
            (who for who in theatre.inbox.recipients() if who.lower() == person.email.lower()), None
        ),
        f"a mail to {person.email}",
    )


def token(client: httpx.Client, page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(page).text)
    assert found is not None, page
    return found[1]


def press(client: httpx.Client, page: str, path: str, **values: str) -> httpx.Response:
    """Press a button of `page` that posts to `path`."""
    headers = {"Origin": str(client.base_url).rstrip("/")}
    fields = {"csrfmiddlewaretoken": token(client, page), **values}
    return client.post(path, data=fields, headers=headers)
