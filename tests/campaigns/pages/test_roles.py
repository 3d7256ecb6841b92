"""Marketing and communication write and launch, sales and the DPO read, others see nothing."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.urls import URLPattern, reverse

from campaigns.drafts import create_template
from campaigns.models import Campaign, Delivery, Template
from campaigns.pages import READERS, WRITERS
from campaigns.urls_staff import urlpatterns
from campaigns.versions import add_variant
from crm.services import Role
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW
from tests.crm.access.matrix import MATRIX

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
# The pages on which mails and campaigns are written; every address of the staff side is held
# against its roles in tests/crm/access.
OURS = ("campaigns/", "templates/")
READ = {name for name, row in MATRIX.items() if row.roles == MATRIX["campaign-list"].roles}
WRITTEN = {name for name, row in MATRIX.items() if row.roles == MATRIX["campaign-edit"].roles}


def _addresses(campaign: UUID, template: UUID) -> Iterator[tuple[str, str]]:
    samples = {
        "campaign_id": campaign, "template_id": template, "key": "event.fr", "variant": 1,
        "language": "en",
    }  # fmt: skip
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        names = pattern.pattern.converters
        if not str(pattern.pattern).startswith(OURS) or names.keys() - samples.keys():
            continue
        if pattern.name not in READ | WRITTEN:
            continue
        yield (
            str(pattern.name),
            reverse(str(pattern.name), kwargs={name: samples[name] for name in names}),
        )


@pytest.fixture
def things() -> tuple[UUID, UUID]:
    cast.subscribers(1)
    template = create_template(name="Ours", language="en", mjml=desk.good_mjml(), now=NOW)
    campaign = cast.draft()
    add_variant(campaign_id=campaign, now=NOW)
    return campaign, template


@pytest.mark.parametrize("role", [role.value for role in Role if role.value not in READERS])
def test_other_roles_get_403_for_everything(things: tuple[UUID, UUID], role: str) -> None:
    client = browser(role)
    for name, url in _addresses(*things):
        statuses = {client.get(url).status_code, client.post(url).status_code}
        assert 403 in statuses, name
        assert statuses <= {403, 405}, name
    home = client.get("/").content.decode()
    assert reverse("campaign-list") not in home
    assert reverse("template-list") not in home


@pytest.mark.parametrize("role", ["sales", "dpo"])
def test_readers_read_and_change_nothing(things: tuple[UUID, UUID], role: str) -> None:
    client, (campaign, template) = browser(role), things
    before = (Campaign.objects.values().get(), Template.objects.values().get())
    for name, url in _addresses(campaign, template):
        expected = {200, 302, 404, 405, 422} if name in READ else {403, 405}
        assert {client.get(url).status_code, client.post(url).status_code} <= expected, name
    assert (Campaign.objects.values().get(), Template.objects.values().get()) == before
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("role", ["sales", "dpo"])
def test_readers_are_offered_nothing_they_may_not_do(things: tuple[UUID, UUID], role: str) -> None:
    client, (campaign, template) = browser(role), things
    offered = {url for name, url in _addresses(campaign, template) if name not in READ}
    pages = [
        desk.read(client, "campaign-list"),
        desk.read(client, "campaign", campaign),
        desk.read(client, "template-list"),
        desk.read(client, "campaign", cast.launched()),
    ]
    for html in pages:
        assert not [url for url in offered if f'"{url}"' in html or f'"{url}?' in html]


@pytest.mark.parametrize("role", WRITERS)
def test_writers_may_open_every_page(things: tuple[UUID, UUID], role: str) -> None:
    client = browser(role)
    for name, url in _addresses(*things):
        query = {"purpose": "newsletter"} if name == "campaign-audience" else {}
        # Code is not turned into code again, and nothing is compared with nothing: back to a page.
        expected = {302} if name in {"words-to-code", "results-compare"} else {200, 302, 404, 405}
        assert client.get(url, query).status_code in expected, name


def test_no_page_holds_anything_inline_or_from_elsewhere(things: tuple[UUID, UUID]) -> None:
    """The previews are documents of their own, with a policy of their own."""
    client, (campaign, template) = browser(), things
    broken = cast.draft(mjml=desk.BROKEN)
    pages = {
        name: client.get(url, {"purpose": "newsletter"}).content.decode()
        for name, url in _addresses(campaign, template)
        if not name.endswith("preview")
    }
    pages |= {
        "broken": desk.read(client, "campaign", broken),
        "broken-edit": desk.read(client, "campaign-edit", broken),
        "launched": desk.read(client, "campaign", cast.launched()),
        "archived": client.post(
            reverse("template-archive", args=[template]), follow=True
        ).content.decode(),
    }
    assert sum("<html" in html for html in pages.values()) >= 10
    for name, html in pages.items():
        assert not desk.offences(html), name
