"""One campaign, different mails: by conditions, by organisation, by the language of each person."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import services
from campaigns.models import CampaignVersion
from campaigns.trials import sample_values
from consent.services import withdraw_on_behalf
from crm.models import Contact, ContactTag, Tag
from crm.organisations import Change, create_organisation
from tests.campaigns import cast
from tests.campaigns.content.pieces import mail
from tests.campaigns.content.test_conditions import blocks, section
from tests.conftest import NOW
from tests.consent import people
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
SECTIONS = (
    section("For all"),
    section("At stand 12 <a href='https://stand.example/'>map</a>", "tag has salon-2026"),
    section("Not seen at the fair", "tag has not salon-2026"),
    section("Chers voisins", "country is one of FR,BE"),
    section("For your work", "is_professional"),
)
MJML = blocks(*SECTIONS)


def words_of(inbox: Inbox, address: str) -> tuple[str, str]:
    message = inbox.to(address)[0]
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    return plain.get_content(), html.get_content()


def test_each_person_gets_the_blocks_that_are_theirs(inbox: Inbox) -> None:
    contacts = cast.subscribers(3)
    Tag.objects.create(slug="salon-2026", title="Salon 2026")
    ContactTag.objects.create(contact_id=contacts[0], tag_id="salon-2026", tagged_at=NOW)
    Contact.objects.filter(id=contacts[1]).update(country="BE", is_professional=False)
    cast.deliver(cast.launched(mjml=MJML))
    expected = (
        {"At stand 12", "For your work"},
        {"Not seen at the fair", "Chers voisins"},
        {"Not seen at the fair", "For your work"},
    )
    every = set.union(*expected)
    for number, wanted in enumerate(expected):
        for part in words_of(inbox, f"person{number}@example.org"):
            assert "For all" in part
            assert {words for words in every if words in part} == wanted
            assert "{{" not in part


def test_who_objected_to_targeting_gets_the_mail_of_a_stranger_in_their_language(
    inbox: Inbox,
) -> None:
    (alice,) = cast.subscribers(1)
    Tag.objects.create(slug="salon-2026", title="Salon 2026")
    ContactTag.objects.create(contact_id=alice, tag_id="salon-2026", tagged_at=NOW)
    Contact.objects.filter(id=alice).update(country="BE", language="fr")
    people.submit(alice, people.promotion(is_ticked=False))
    withdraw_on_behalf(
        subject_id=alice, email="person0@example.org", purpose_code="targeted_promotion",
        source_id=uuid4(), actor_id=uuid4(), now=NOW,
    )  # fmt: skip
    cast.deliver(cast.launched(mjml=blocks(*SECTIONS, section("En clair", "language is fr"))))
    for part in words_of(inbox, "person0@example.org"):
        assert "For all" in part and "En clair" in part
        assert "Not seen at the fair" in part
        assert not [each for each in ("stand 12", "voisins", "your work") if each in part]


def test_facts_of_a_batch_are_one_query_and_none_where_no_mail_asks(inbox: Inbox) -> None:
    cast.subscribers(5)

    def asked(campaign: object) -> int:
        with CaptureQueriesContext(connection) as queries:
            cast.deliver(campaign)  # type: ignore[arg-type]
        return sum("crm_contacttag" in each["sql"] for each in queries.captured_queries)

    assert asked(cast.launched(mjml=MJML)) == 1
    assert asked(cast.launched()) == 0
    assert len(inbox.recipients()) == 10


def test_the_organisation_the_greeting_and_the_day_are_filled_in(inbox: Inbox) -> None:
    contacts = cast.subscribers(2)
    number = create_organisation(
        change=Change(name="Ateliers <Réunis>"),
        country="FR",
        contract_ends_on=None,
        actor_id=cast.people_actor(),
        now=NOW,
    )
    Contact.objects.filter(id=contacts[0]).update(organisation_id=number)
    source = mail(
        '<mj-text>{{ salutation }}, {{ organisation | "your company" }}, {{ campaign_name }},'
        " {{ today }}</mj-text>"
    )
    cast.deliver(cast.launched(mjml=source, subject='{{ organisation | "You" }}'))
    text, html = words_of(inbox, "person0@example.org")
    assert "Hello Alice, Ateliers <Réunis>, News, " in text
    assert "Ateliers &lt;Réunis&gt;" in html
    assert inbox.to("person0@example.org")[0]["Subject"] == "Ateliers <Réunis>"
    assert "Hello Alice, your company, News, " in words_of(inbox, "person1@example.org")[0]
    assert inbox.to("person1@example.org")[0]["Subject"] == "You"


def test_the_greeting_and_the_day_are_in_the_language_of_the_mail() -> None:
    assert sample_values("fr")["salutation"] == "Bonjour Camille"
    assert sample_values("en")["salutation"] == "Hello Camille"
    assert sample_values("fr")["today"] != sample_values("en")["today"]


def test_a_test_mail_is_of_the_version_that_was_chosen(inbox: Inbox) -> None:
    campaign = cast.draft(mjml=MJML)
    CampaignVersion.objects.create(
        campaign_id=campaign, variant=1, language="fr", subject="Bonjour {{ first_name }}",
        mjml=blocks(section("Pour tous"), section("En français", "language is fr")),
        updated_at=NOW,
    )  # fmt: skip
    services.send_test(campaign_id=campaign, address="me@example.org", now=NOW)
    services.send_test(
        campaign_id=campaign, address="moi@example.org", variant=1, language="fr", now=NOW
    )
    assert "Chers voisins" in words_of(inbox, "me@example.org")[0]
    assert inbox.to("moi@example.org")[0]["Subject"] == "Bonjour Camille"
    assert "En français" in words_of(inbox, "moi@example.org")[0]
    with pytest.raises(CampaignVersion.DoesNotExist):
        services.send_test(campaign_id=campaign, address="x@example.org", variant=3, now=NOW)
