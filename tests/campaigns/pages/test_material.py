"""Brands and saved blocks: kept, judged, put away and brought back."""

import pytest
from django.test import Client
from django.urls import reverse

from campaigns import brands
from campaigns.images import library
from campaigns.models import Brand, SavedBlock
from tests.campaigns import cast
from tests.campaigns.images.pictures import picture
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def answers(**changed: str) -> dict[str, str]:
    return {
        "name": "Ours",
        "logo": "",
        "main_colour": "#7a1f5c",
        "band_colour": "#3d1030",
        "page_colour": "#f7f3ee",
        "text_colour": "#222222",
        "font": "georgia",
        "heading_font": "trebuchet",
        "footer_fr": "RCS Paris",
        "footer_en": "Registered in Paris",
        "sender_name": "Our team",
        "sender_address": "team@example.org",
        "reply_to": "",
        **changed,
    }


def saved(client: Client, **changed: str) -> Brand:
    answer = client.post(reverse("brand-new"), answers(**changed))
    assert answer.status_code == 302, answer.content.decode()
    return Brand.objects.latest("created_at")


def test_the_first_brand_is_what_mails_look_like() -> None:
    image_id = library.add_image(
        uploaded=picture(size=(300, 100)), name="Logo", alt="Ours", is_decorative=False,
        actor_id=None, now=NOW,
    )  # fmt: skip
    client = browser()
    brand = saved(client, logo=str(image_id))
    assert brand.is_default
    page = client.get(reverse("starter-preview", args=["newsletter.en"])).content.decode()
    assert "#7a1f5c" in page
    assert "data:image/png;base64," in page
    assert "Registered in Paris" in page
    new = client.get(reverse("campaign-new")).context["form"]
    assert new["sender_name"].value() == "Our team"
    assert new["sender_address"].value() == "team@example.org"
    assert brand.name in desk.read(client, "brand-list")
    assert desk.offences(desk.read(client, "brand-edit", brand.id)) == []
    assert "#7a1f5c" in desk.read(client, "brand-preview", brand.id)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"main_colour": "#ffcc00"}, "Too pale on #ffffff: contrast 1.5"),
        ({"text_colour": "#999999"}, "Too pale on #f7f3ee"),
        ({"text_colour": "#555555", "page_colour": "#444444"}, "Too pale on #444444"),
        ({"main_colour": "red"}, "Write a colour like #0b5c8a."),
        ({"main_colour": '#fff"><'}, "Write a colour like #0b5c8a."),
        ({"font": "Open Sans"}, "Select a valid choice."),
        ({"logo": "nonsense"}, "Select a valid choice."),
        ({"sender_address": "nobody"}, "This is not an e-mail address."),
        ({"footer_en": "4111 1111 1111 1111"}, "card"),
    ],
)
def test_what_cannot_be_read_or_sent_is_refused(changed: dict[str, str], expected: str) -> None:
    answer = browser().post(reverse("brand-new"), answers(**changed))
    assert answer.status_code == 422
    assert expected in desk.plain(answer.content.decode()).replace("&quot;", '"')
    assert not Brand.objects.exists()


def test_a_template_takes_the_brand_it_names() -> None:
    client = browser()
    saved(client)
    other = saved(client, name="Other brand", main_colour="#115511")
    assert (other.code, other.is_default) == ("other-brand", False)
    named = '<mjml accord-brand="other-brand"><mj-body></mj-body></mjml>'
    assert brands.look_for(named).main == "#115511"
    assert brands.look_for('<mjml accord-brand="nobody">').main == "#7a1f5c"
    assert brands.look_for("<mjml>").main == "#7a1f5c"
    source = desk.good_mjml().replace("<mjml>", '<mjml accord-brand="other-brand">')
    campaign = cast.draft(mjml=source)
    assert "#115511" in desk.read(client, "campaign-preview", campaign)


def test_one_name_one_brand() -> None:
    client = browser()
    saved(client)
    answer = client.post(reverse("brand-new"), answers())
    assert "Another brand has this name" in answer.content.decode()


def test_the_default_is_given_away_before_it_goes() -> None:
    client = browser()
    first, second = saved(client), saved(client, name="Second")

    def act(brand: Brand, what: str) -> str:
        address = reverse("brand-act", args=[brand.id])
        return client.post(address, {"act": what}, follow=True).content.decode()

    assert "Make another one the default first" in act(first, "archive")
    act(second, "default")
    act(first, "archive")
    states = dict(Brand.objects.values_list("name", "is_default"))
    assert states == {"Ours": False, "Second": True}
    assert client.get(reverse("brand-edit", args=[first.id])).status_code == 404
    act(first, "default")  # archived: stays what it is
    assert Brand.objects.get(is_default=True) == second
    act(first, "restore")
    assert "Ours" in desk.read(client, "brand-list")


BLOCK = "<mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section>"


def test_a_block_is_kept_copied_and_put_away() -> None:
    client = browser()
    done = client.post(reverse("block-new"), {"name": "Signature", "mjml": BLOCK})
    assert done.status_code == 302
    block = SavedBlock.objects.get()
    html = desk.read(client, "block-list")
    assert "Signature" in html
    assert "&lt;mj-section&gt;" in html
    assert desk.offences(html) == []
    assert ">Hi<" in desk.read(client, "block-preview", block.id)
    client.post(reverse("block-edit", args=[block.id]), {"name": "Signature 2", "mjml": BLOCK})
    client.post(reverse("block-archive", args=[block.id]))
    assert "No saved block yet" in desk.read(client, "block-list")
    assert client.get(reverse("block-edit", args=[block.id])).status_code == 404
    client.post(reverse("block-restore", args=[block.id]))
    assert "Signature 2" in desk.read(client, "block-list")


@pytest.mark.parametrize(
    ("mjml", "expected"),
    [
        ("", "Write at least one &lt;mj-section&gt;."),
        ("<mj-text>Hi</mj-text>", "Line 1: &lt;mj-text&gt; cannot stand in &lt;mj-body&gt;"),
        ("\n<mj-include path='/etc/passwd' />", "Line 2"),
        (BLOCK.replace("Hi", "<script>1</script>"), "is not allowed in a mail"),
        (BLOCK.replace("Hi", "{{ secret }}"), "is not a merge field"),
        ("</mj-body></mjml>" + BLOCK, "Line 1"),
        (BLOCK.replace("Hi", "<img src='https://spy.example/x.gif'>"), "Line 1"),
    ],
)
def test_a_block_that_a_mail_could_not_hold_is_not_kept(mjml: str, expected: str) -> None:
    answer = browser().post(reverse("block-new"), {"name": "x", "mjml": mjml})
    assert answer.status_code == 422
    assert expected in answer.content.decode()
    assert not SavedBlock.objects.exists()


def test_a_version_is_previewed_by_its_name() -> None:
    from campaigns.models import CampaignVersion

    campaign = cast.draft()
    french = desk.good_mjml().replace("The monthly letter", "La lettre du mois")
    CampaignVersion.objects.create(
        campaign_id=campaign, variant=1, language="fr", subject="x", mjml=french, updated_at=NOW
    )
    client, address = browser(), reverse("campaign-preview", args=[campaign])
    assert "La lettre du mois" in client.get(address, {"version": "1.fr"}).content.decode()
    assert "The monthly letter" in client.get(address, {"version": "nonsense"}).content.decode()
    assert client.get(address, {"version": "7.fr"}).status_code == 404
    assert 'value="1.fr"' in desk.read(client, "campaign", campaign)
