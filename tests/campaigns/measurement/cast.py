"""Alice agrees to be measured, Bob only reads, and what their mail programs fetch."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connections
from django.http import HttpResponse
from django.test import Client

from campaigns import services
from campaigns.content.library import starter
from campaigns.measurement.noticing import NOTEBOOK
from campaigns.models import MeasuredMessage
from campaigns.services import Draft
from consent.services import Answer, Basis, OptOutLinks, opt_out_links, refresh_cards, seed_purposes
from crm.services import Person, receive_many
from tests import plugin
from tests.campaigns import cast
from tests.conftest import NOW
from tests.consent import people

ALICE, BOB = "alice@example.org", "bob@example.org"
SITE = "https://www.example.com/"
SHOP = "https://shop.example/offers?from=mail&lang=en"
_MORE = (
    '<mj-section><mj-column><mj-text><a href="https://shop.example/offers?from=mail&amp;lang=en">'
    'The shop</a> <a href="https://shop.example/?for={{ first_name }}">Yours</a></mj-text>'
    "</mj-column></mj-section>"
)
MEASUREMENT = Answer(
    "email_measurement", "email", Basis.CONSENT, None, True, "You may see whether I read"
)


def mjml() -> str:
    first = starter("newsletter.en")
    assert first is not None
    return first.mjml.replace("</mj-body>", f"{_MORE}</mj-body>")


def measured_reader(email: str = ALICE) -> UUID:
    """Somebody who agreed to the newsletter, and besides to be measured."""
    contact = cast.subscriber(email)
    people.submit(contact, MEASUREMENT, email=email, needs_confirmation=False)
    return contact


def informed(email: str) -> UUID:
    """Somebody who gets offers under legitimate interest, and agreed to be measured."""
    person = Person(email=email, given_name="Dana", family_name="Durand")
    contact = receive_many(people=[(person, {"language": "fr", "source": "test"})], now=NOW)[0]
    answers = [people.promotion(is_ticked=False), MEASUREMENT]
    people.submit(contact, *answers, email=email, needs_confirmation=False)
    return contact


def launched(purpose: str = "newsletter", mail: str | None = None) -> UUID:
    seed_purposes(now=NOW)
    campaign = services.create_draft(
        draft=Draft(
            name="News",
            purpose_id=purpose,
            segment_id=None,
            language="en",
            subject="Hello",
            preheader="",
            sender_name="Example",
            sender_address="news@example.org",
            reply_to="",
            mjml=mjml() if mail is None else mail,
        ),
        actor_id=cast.people_actor(),
        now=NOW,
    )
    services.launch(campaign_id=campaign, actor_id=None, now=NOW)
    return campaign


def sent(purpose: str = "newsletter") -> UUID:
    """A campaign that has left, with the public cards of its people up to date."""
    campaign = launched(purpose)
    cast.deliver(campaign)
    refresh_cards(now=NOW)
    return campaign


def decide(contact: UUID, email: str, choices: dict[str, str]) -> None:
    """What a person chooses on the preference page, and the worker has applied."""
    links = ways_to_say_no(contact, email)
    people.decide(
        "preferences",
        at=cast.clock(),
        token=links.preferences_url.rpartition("/")[2],
        choices=choices,
    )


def ways_to_say_no(contact: UUID, email: str) -> OptOutLinks:
    return opt_out_links(subjects={contact: email}, purpose_code="newsletter", now=NOW)[contact]


# --- the mail ----------------------------------------------------------------------------------


def page_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def picture_in(message: EmailMessage) -> str:
    """The path of the picture in a measured mail."""
    (url,) = re.findall(r'<img src="([^"]+)"', page_of(message))
    return str(urlsplit(url).path)


def links_in(message: EmailMessage) -> list[str]:
    """The paths of the links that pass by us, each once."""
    found = re.findall(r'href="(http[^"]+/l/[^"]+)"', page_of(message))
    return [urlsplit(url).path for url in dict.fromkeys(found)]


# --- what became of it ---------------------------------------------------------------------------


def fetch(visitor: Client, path: str, *, method: str = "GET") -> HttpResponse:
    """Ask as a mail program does, and let the process do what it does after its answer."""
    response = visitor.generic(method, path)
    NOTEBOOK.settle()
    assert isinstance(response, HttpResponse)
    return response


def kept(now: datetime | None = None) -> list[tuple[date | None, date | None]]:
    """Let the worker look, and return (last open, last click) of every message."""
    services.receive_measures(now=now or cast.clock())
    return list(MeasuredMessage.objects.values_list("last_open_on", "last_click_on"))


@contextmanager
def as_public_role() -> Iterator[None]:
    """The process connects to `intake` as accord_public."""
    intake = connections["intake"]
    before = {name: intake.settings_dict[name] for name in ("USER", "PASSWORD")}
    intake.close()
    role = "accord_public"
    intake.settings_dict.update(USER=role, PASSWORD=plugin.PASSWORDS[role])
    try:
        yield
    finally:
        intake.close()
        intake.settings_dict.update(before)
