"""A retired purpose is offered nowhere, and still has its name where something was."""

from uuid import uuid4

import pytest
from django.test import Client

from campaigns.pages.forms import purpose_choices
from consent import services as consent
from crm.segments.choices import choices_of
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.pages.arrivals import arrive, soup, words

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
CODE, TITLE = "newsletter", "Our newsletter"


def retire() -> None:
    consent.retire_purpose(code=CODE, actor_id=None, now=NOW)


def test_campaigns_and_segments_do_not_offer_it(marketing: Client) -> None:
    assert CODE in dict(purpose_choices())
    retire()
    assert CODE not in dict(purpose_choices())
    assert CODE not in {choice.value for choice in choices_of("permission") or []}
    builder = soup(marketing.get("/segments/new"))
    assert builder.select("#purpose option[value='targeted_promotion:email']")
    assert not builder.select(f"#purpose option[value^='{CODE}:']")


def test_whoever_was_asked_for_it_has_it_on_their_page(marketing: Client) -> None:
    alice, bob = arrive(), arrive("Bob")
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    retire()
    page = soup(marketing.get(f"/contacts/{alice}/"))
    permissions = page.select_one("section[aria-labelledby=permissions]")
    history = page.select_one("section[aria-labelledby=history]")
    assert permissions is not None
    assert history is not None
    assert TITLE in permissions.get_text()
    assert "This purpose is no longer in use." in permissions.get_text()
    assert TITLE in history.get_text()
    assert TITLE not in words(marketing.get(f"/contacts/{bob}/"))


def test_a_no_to_it_can_still_be_recorded(marketing: Client) -> None:
    alice = arrive()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    retire()
    address = f"/contacts/{alice}/no"
    assert TITLE in words(marketing.get(f"{address}?purpose={CODE}"))
    marketing.post(address, {"purpose": CODE, "source": str(uuid4())})
    consent.bring_purpose_back(code=CODE, actor_id=None, now=NOW)
    answer = consent.explain(subject_id=alice, purpose_code=CODE, channel="email")
    assert answer.reason_code == "withdrawn"
