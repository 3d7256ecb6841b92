"""Writing block by block: acts, saving, saving by itself, versions, states, and the way to code."""

import json
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from campaigns import drafts
from campaigns.content.blocks.mjml import write
from campaigns.content.blocks.ready import ready_mail
from campaigns.history import KEPT
from campaigns.models import Campaign, CampaignVersion, DraftState, Template
from consent.services import seed_purposes
from tests.attacks.test_markup_that_is_typed import CORPUS
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser, words
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture(autouse=True)
def _purposes() -> None:
    seed_purposes(now=NOW)


def fields_of(html: str) -> dict[str, Any]:
    """What the browser would send of the editor's form, buttons aside."""
    form = BeautifulSoup(html, "html.parser").select_one("#editor, #blocks")
    assert form is not None
    given: dict[str, Any] = {}
    for each in form.select("input[name], textarea[name], select[name]"):
        if each.has_attr("disabled") or (
            each.get("type") == "radio" and not each.has_attr("checked")
        ):
            continue
        value = each.get("value", "") if each.name == "input" else each.get_text()
        if each.name == "select":
            chosen = each.select_one("option[selected]") or each.select_one("option")
            value = chosen["value"] if chosen else ""
        given.setdefault(str(each["name"]), []).append(value)
    return given


def begun(client: Client, key: str = "letter.en") -> dict[str, Any]:
    page = client.get(reverse("campaign-new"), {"from": key}).content.decode()
    return fields_of(page) | {"name": "News", "purpose": "newsletter", "subject": "Hi"}


def saved(client: Client, key: str = "letter.en") -> Campaign:
    client.post(reverse("campaign-new"), begun(client, key))
    return Campaign.objects.get()


def edit(client: Client, campaign: Campaign, **changed: Any) -> Any:
    url = reverse("campaign-edit", args=[campaign.id])
    return client.post(url, fields_of(client.get(url).content.decode()) | changed)


def words_url(name: str, campaign: UUID, variant: int = 0, language: str = "en") -> str:
    return reverse(name, args=[campaign, variant, language])


def test_blocks_are_how_a_mail_is_begun_and_what_is_kept_comes_back_the_same() -> None:
    client = browser()
    html = client.get(reverse("campaign-new")).content.decode()
    assert 'id="blocks"' in html
    assert desk.offences(html) == []
    campaign = saved(client)
    ready = ready_mail("letter.en")
    assert ready is not None
    assert campaign.blocks == ready.document
    assert campaign.mjml == write(ready.document).mjml
    edit(client, campaign)
    campaign.refresh_from_db()
    assert campaign.blocks == ready.document


def test_each_act_returns_the_blocks_and_says_what_was_done() -> None:
    client = browser()
    given, url = begun(client), reverse("mail-blocks")

    def act(what: str, now: dict[str, Any]) -> tuple[list[str], str, dict[str, Any]]:
        html = client.post(url, now | {"do": what}).content.decode()
        assert desk.offences(html) == []
        soup = BeautifulSoup(html, "html.parser")
        ids = [str(each["data-campaigns-block"]) for each in soup.select(".campaigns-block")]
        said = soup.select_one("#blocks-said")
        assert said is not None
        fields = fields_of(html)
        rest = {k: v for k, v in given.items() if k not in fields and k[:1] != "b"}
        return ids, said.get_text(), rest | fields

    ids, said, after = act("up:b2", given)
    assert (ids[:2], said) == (["b2", "b1"], "Text moved to place 1 of 10.")
    ids, said, _after = act("up:b2", after)
    assert (ids[:2], said) == (["b2", "b1"], "Text is the first block.")
    ids, said, after = act("delete:b1", after)
    assert "b1" not in ids
    ids, said, after = act("undo", after)
    assert (ids[:2], said) == (["b2", "b1"], "Heading is back.")
    ids, said, after = act("copy:b1", after)
    assert ids[:3] == ["b2", "b1", "b11"]
    ids, said, after = act("add:columns:1", after)
    assert (ids[1], said) == ("b12", "Columns added at place 2.")
    _ids, _said, after = act("cells:b12:3", after)
    assert after["b12.cells"] == ["3"]
    for nonsense in ("up:b99", "add:script:0", "add:text:x", "cells:b1:2", "undo", "boom", ""):
        assert client.post(url, after | {"do": nonsense}).status_code == 422, nonsense


def test_an_act_works_without_scripts_and_saves_nothing() -> None:
    client = browser()
    campaign = saved(client)
    page = edit(client, campaign, do="up:b2")
    assert page.status_code == 200
    blocks = BeautifulSoup(page.content, "html.parser").select(".campaigns-block")
    assert [each["data-campaigns-block"] for each in blocks][:2] == ["b2", "b1"]
    campaign.refresh_from_db()
    assert campaign.blocks is not None
    assert campaign.blocks["blocks"][0]["id"] == "b1"


def test_a_finding_is_said_at_its_block() -> None:
    client = browser()
    campaign = saved(client)
    edit(client, campaign, **{"b6.href": "", "b2.html": "{{ nobody }}"})
    html = client.get(reverse("campaign-edit", args=[campaign.id])).content.decode()
    text = desk.plain(html)
    assert "2. Text “nobody” is not a merge field." in text
    assert 'href="#block-b2" data-campaigns-to-block="b2"' in html
    edit(client, campaign, **{"b6.href": "", "b2.html": "x"})
    text = desk.plain(client.get(reverse("campaign-edit", args=[campaign.id])).content.decode())
    assert "6. Button The link is missing" in text


@pytest.mark.parametrize("text", CORPUS)
def test_what_is_typed_into_blocks_is_never_markup_of_the_page_or_the_preview(text: str) -> None:
    client = browser()
    given = begun(client)
    for name in [
        each
        for each in given
        if each[:1] == "b" and each.endswith(("html", "text", "label", "href", "heading"))
    ]:
        given[name] = text
    for page in (
        client.post(reverse("mail-blocks"), given | {"do": "none"}),
        client.post(reverse("mail-preview"), given),
        client.post(reverse("mail-preview"), given | {"view": "dark"}),
        client.post(reverse("mail-findings"), given),
    ):
        assert page.status_code == 200
        soup = BeautifulSoup(page.content, "html.parser")
        bad = "script, iframe, math, base, object, [onerror], [onload], [onfocus], [onclick]"
        assert soup.select(bad) == [], text
        assert not soup.select('[href^="javascript:"], img[src="x"]'), text
    client.post(reverse("campaign-new"), given)
    html = client.get(reverse("campaign-edit", args=[Campaign.objects.get().id])).content.decode()
    assert desk.offences(html) == []


def test_a_card_number_in_a_block_is_refused_and_the_words_stay() -> None:
    client = browser()
    campaign = saved(client)
    page = edit(client, campaign, **{"b2.html": "card 4111 1111 1111 1111"})
    assert page.status_code == 422
    assert "4111 1111" in page.content.decode()
    assert "4111" not in json.dumps(Campaign.objects.get().blocks)


def test_the_page_saves_by_itself_and_says_when_somebody_else_did() -> None:
    client = browser()
    campaign = saved(client)
    url = words_url("words-autosave", campaign.id)
    given = fields_of(client.get(reverse("campaign-edit", args=[campaign.id])).content.decode())
    first = client.post(url, given | {"b1.text": "One"})
    assert first.status_code == 200
    assert "Saved at" in first.json()["text"]
    assert client.post(url, given | {"b1.text": "Two"}).status_code == 409
    again = client.post(url, given | {"b1.text": "Two", "seen": first.json()["seen"]})
    assert again.status_code == 200
    assert client.post(url, given | {"name": ""}).status_code == 422
    campaign.refresh_from_db()
    assert campaign.blocks is not None
    assert campaign.blocks["blocks"][0]["text"] == "Two"
    # What is saved by itself within a minute is one state; before it is the state it began with.
    assert DraftState.objects.filter(campaign=campaign).count() == 2


def test_twenty_states_are_kept_and_any_of_them_comes_back() -> None:
    client = browser()
    campaign = saved(client)
    for number in range(KEPT + 5):
        edit(client, campaign, **{"b1.text": f"Title {number}"})
    states = DraftState.objects.filter(campaign=campaign).order_by("-saved_at")
    assert states.count() == KEPT
    page = desk.read(client, "words-history", campaign.id, 0, "en")
    assert page.count("Go back to this") == KEPT - 1
    earlier = states[3]
    client.post(words_url("words-restore", campaign.id), {"state": earlier.id})
    campaign.refresh_from_db()
    assert campaign.blocks == earlier.blocks
    assert campaign.mjml == earlier.mjml
    other = DraftState.objects.create(
        campaign_id=cast.draft(), began_at=NOW, saved_at=NOW, mjml="theirs"
    )
    client.post(words_url("words-restore", campaign.id), {"state": other.id})
    campaign.refresh_from_db()
    assert campaign.blocks == earlier.blocks


def test_languages_and_variants_are_added_written_copied_and_removed() -> None:
    client = browser()
    campaign = saved(client)
    url = reverse("campaign-versions", args=[campaign.id])
    added = client.post(url, {"do": "add-language:fr"})
    assert added.headers["Location"] == words_url("version-edit", campaign.id, 0, "fr")
    client.post(url, {"do": "add-variant"})
    rows = CampaignVersion.objects.order_by("variant", "language")
    assert [(each.variant, each.language) for each in rows] == [(0, "fr"), (1, "en"), (1, "fr")]
    assert {each.mjml for each in rows} == {campaign.mjml}
    page = words_url("version-edit", campaign.id, 1, "fr")
    html = client.get(page).content.decode()
    assert desk.offences(html) == []
    assert "B · French" in desk.plain(html)
    given = fields_of(html) | {"subject": "Bonjour", "b1.text": "Du neuf"}
    assert client.post(page, given).headers["Location"] == page
    assert client.post(page, given).status_code == 422  # the same `seen`: somebody else saved
    version = CampaignVersion.objects.get(variant=1, language="fr")
    assert version.subject == "Bonjour"
    assert "Du neuf" in version.mjml
    client.post(words_url("words-copy", campaign.id, 0, "fr"), {"source": "1:fr"})
    assert CampaignVersion.objects.get(variant=0, language="fr").subject == "Bonjour"
    shown = client.get(reverse("campaign-preview", args=[campaign.id]), {"version": "1.fr"})
    assert "Du neuf" in shown.content.decode()
    assert client.post(url, {"do": "remove-language:en"}).status_code == 302
    assert CampaignVersion.objects.count() == 3  # its own language stays
    client.post(url, {"do": "remove-variant:1"})
    client.post(url, {"do": "remove-language:fr"})
    assert not CampaignVersion.objects.exists()


def test_its_own_language_cannot_become_that_of_a_version() -> None:
    client = browser()
    campaign = saved(client)
    client.post(reverse("campaign-versions", args=[campaign.id]), {"do": "add-language:fr"})
    page = edit(client, campaign, language="fr")
    assert page.status_code == 422
    assert "There is a version in this language already" in page.content.decode()


def test_a_copy_has_the_versions_and_the_blocks() -> None:
    client = browser()
    campaign = saved(client)
    client.post(reverse("campaign-versions", args=[campaign.id]), {"do": "add-language:fr"})
    copied = drafts.copy_campaign(
        campaign_id=campaign.id, name="Copy", actor_id=cast.people_actor(), now=NOW
    )
    assert Campaign.objects.get(id=copied).blocks == campaign.blocks
    version = CampaignVersion.objects.get(campaign_id=copied)
    assert (version.language, version.blocks) == ("fr", campaign.blocks)


def test_blocks_become_code_once_after_a_warning_and_stay_among_the_states() -> None:
    client = browser()
    campaign = saved(client)
    url = words_url("words-to-code", campaign.id)
    assert "There is no way back" in client.get(url).content.decode()
    before = (campaign.blocks, campaign.mjml)
    client.post(url)
    campaign.refresh_from_db()
    assert (campaign.blocks, campaign.mjml) == (None, before[1])
    html = client.get(reverse("campaign-edit", args=[campaign.id])).content.decode()
    assert 'id="id_mjml"' in html
    state = DraftState.objects.filter(campaign=campaign, blocks__isnull=False).get()
    client.post(words_url("words-restore", campaign.id), {"state": state.id})
    campaign.refresh_from_db()
    assert campaign.blocks == before[0]


def test_a_template_keeps_its_blocks_and_gives_them_to_a_campaign() -> None:
    client = browser()
    page = client.get(reverse("template-new"), {"from": "offer.en"}).content.decode()
    assert desk.offences(page) == []
    client.post(reverse("template-new"), fields_of(page) | {"name": "Ours"})
    template = Template.objects.get()
    ready = ready_mail("offer.en")
    assert ready is not None
    assert template.blocks == ready.document
    url = reverse("template-edit", args=[template.id])
    client.post(url, fields_of(client.get(url).content.decode()) | {"b1.text": "Newer"})
    template.refresh_from_db()
    assert template.blocks is not None
    assert template.blocks["blocks"][0]["text"] == "Newer"
    given = begun(client, str(template.id))
    assert given["b1.text"] == ["Newer"]


def test_the_dark_is_shown_in_both_ways_mail_programs_know() -> None:
    client = browser()
    campaign = saved(client)
    url = reverse("campaign-preview", args=[campaign.id])
    own = client.get(url, {"view": "dark"}).content.decode()
    assert "prefers-color-scheme" not in own
    assert '<meta name="color-scheme" content="dark">' in own
    turned = client.get(url, {"view": "inverted"}).content.decode()
    assert "prefers-color-scheme: dark" in turned
    assert "filter: invert(1)" in turned
    assert "prefers-color-scheme: dark" in client.get(url).content.decode()


def test_a_form_without_blocks_is_code_as_before() -> None:
    client, campaign = browser(), cast.draft()
    client.post(reverse("campaign-edit", args=[campaign]), words(name="Code"))
    assert Campaign.objects.get(id=campaign).blocks is None
