"""The proof of a message that was sent, or held back."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from campaigns.pages.proof import PROVERS
from consent.models import LedgerEvent
from consent.sealing import seal_ledger
from crm.services import Role
from tests.campaigns import cast
from tests.campaigns.pages.desk import browser, plain, read
from tests.conftest import NOW
from tests.consent import verifier
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "anchor"),
]


def fetched(role: str, *parts: object) -> bytes:
    response = browser(role).get(reverse("campaign-proof", args=parts))
    assert response.status_code == 200
    return bytes(response.content)


def message_of(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found: dict[str, Any] = json.loads(archive.read("message.json"))
        return found


def test_a_message_that_was_sent_can_be_proven(inbox: Inbox, tmp_path: Path) -> None:
    contact = cast.subscriber("alice@example.org")
    campaign = cast.launched()
    cast.deliver(campaign)
    seal_ledger(now=NOW)
    content = fetched("dpo", campaign, contact)
    told = message_of(content)
    given = LedgerEvent.objects.get(event_state="ConsentGiven")
    assert told["justification_seq"] == given.seq
    assert told["message_id"] == inbox.to("alice@example.org")[0]["Message-ID"]
    assert (told["state"], told["purpose"]) == ("sent", "newsletter")
    assert told["relay_answer"]
    path = tmp_path / "proof.zip"
    path.write_bytes(content)
    done = verifier.run(path, "--key", verifier.key())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    the message rests on a permission that was there before" in done.stdout
    assert b"alice" not in content.lower()


def test_a_message_that_was_held_back_shows_why(inbox: Inbox, tmp_path: Path) -> None:
    contact = cast.subscriber("alice@example.org")
    campaign = cast.launched()
    cast.opt_out([contact], ["alice@example.org"])
    cast.deliver(campaign)
    content = fetched("marketing", campaign, contact)
    told = message_of(content)
    assert (told["reason"], told["handed_over_at"]) == ("withdrawn", None)
    path = tmp_path / "proof.zip"
    path.write_bytes(content)
    assert verifier.run(path).returncode == 0
    with zipfile.ZipFile(path) as archive:
        assert "evidence.json" not in archive.namelist()


def test_the_contacts_page_leads_to_the_proof_of_what_was_sent(
    inbox: Inbox,
) -> None:
    contact = cast.subscriber("alice@example.org")
    campaign = cast.launched()
    cast.deliver(campaign)
    page = read(browser("dpo"), "contact", contact)
    assert reverse("campaign-proof", args=[campaign, contact]) in page
    assert "Proof" in plain(page)
    other = read(browser("communication"), "contact", contact)
    assert reverse("campaign-proof", args=[campaign, contact]) not in other


def test_nobody_else_gets_it_and_there_is_none_of_a_stranger(inbox: Inbox) -> None:
    contact = cast.subscriber("alice@example.org")
    campaign = cast.launched()
    address = reverse("campaign-proof", args=[campaign, contact])
    for role in (role.value for role in Role if role.value not in PROVERS):
        assert browser(role).get(address).status_code == 403, role
    marketing = browser()
    for parts in ((campaign, uuid4()), (uuid4(), contact)):
        assert marketing.get(reverse("campaign-proof", args=parts)).status_code == 404
