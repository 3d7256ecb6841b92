"""An opening is kept of who agreed to that, and of nobody from the moment they said no."""

import re
from email.message import EmailMessage
from uuid import UUID, uuid4

import httpx
import pytest
from django.utils import timezone

from campaigns.models import MeasuredMessage
from consent.services import Basis, card_permits, permits
from forms_intake.services import PurposeChoice
from privacy.models import Envelope
from privacy.services import card_of_link
from tests.forms_intake import cast as forms
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for

MEASUREMENT = PurposeChoice(
    "email_measurement",
    "email",
    Basis.CONSENT,
    {"fr": "Vous pouvez voir si je lis.", "en": "You may see whether I read."},
)

# Of the size that shows nothing: a logo of the house's brand is for everybody.
_PIXEL = re.compile(r'<img src="([^"]+)" width="1" height="1"')


def _page(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def _answer(url: str) -> tuple[int, bytes, dict[str, str]]:
    """What a mail program gets; only the clock may differ."""
    response = httpx.get(url, timeout=30)
    return response.status_code, response.content, {**response.headers, "date": ""}


def _is_measurable(contact: UUID) -> bool:
    return bool(permits(subject_ids=[contact], purpose_code="email_measurement", channel="email"))


def _public_yes(card: UUID) -> bool:
    return card_permits(card_id=card, purpose_code="email_measurement", channel="email")


@pytest.mark.timeout(400)
def test_from_consent_to_an_opening_and_after_the_no(stage: Stage) -> None:
    form = acts.publish_form(purposes=[forms.REPLY, forms.NEWSLETTER, MEASUREMENT])
    alice, bob = (f"{name}-{uuid4().hex[:8]}@example.org" for name in ("alice", "bob"))
    both = ["newsletter:email", "email_measurement:email"]
    assert acts.post_lead(stage, form, alice, consents=both).status_code == 202
    acts.confirm(stage, alice)
    acts.subscribe(stage, form, [bob])
    (contact,) = acts.find(alice)
    assert _is_measurable(contact)

    acts.wait_until_finished(acts.launch(form))
    mail, others = stage.inbox.to(alice)[-1], stage.inbox.to(bob)[-1]
    assert _PIXEL.findall(_page(others)) == [] and "/l/" not in _page(others)
    (picture,) = _PIXEL.findall(_page(mail))
    link = re.findall(r'href="(http[^"]+/l/[^"]+)"', _page(mail))[0]
    card = card_of_link(token=acts.link_in(mail, "p").rpartition("/")[2])
    wait_for(lambda: _public_yes(card), "the public side to know of the consent")

    held = _answer(picture)
    assert (held[0], len(held[1])) == (200, 43)
    row = wait_for(MeasuredMessage.objects.filter(contact_id=contact).first, "the day to be kept")
    assert (row.last_open_on, row.last_click_on) == (timezone.localdate(), None)
    led = httpx.get(link, timeout=30)
    assert (led.status_code, led.headers["location"]) == (302, "https://www.example.com/")

    preferences = acts.link_in(mail, "p")
    saved = httpx.post(preferences, data={"choice-email_measurement": "no"}, timeout=30)
    assert saved.status_code == 200
    wait_for(lambda: not _is_measurable(contact), "the no to take effect")
    rows = MeasuredMessage.objects.filter(contact_id=contact)
    stage.ring("campaigns.forget_measures")  # beat does it every two minutes
    wait_for(lambda: not rows.exists(), "what was kept to be deleted")
    assert acts.is_permitted(contact)  # the newsletter goes on

    assert _answer(picture) == held
    assert httpx.get(link, timeout=30).headers["location"] == "https://www.example.com/"
    wait_for(lambda: not _public_yes(card), "the public side to know of the no")
    assert _answer(picture) == held
    wait_for(lambda: not Envelope.objects.filter(kind="measure").exists(), "the worker to look")
    assert not rows.exists()
