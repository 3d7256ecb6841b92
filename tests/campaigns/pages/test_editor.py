"""Writing: a draft may be broken, nothing is lost, nobody overwrites a colleague unknowingly."""

from uuid import UUID

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from consent.services import seed_purposes
from crm.services import archive_segment, create_segment
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser, words
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture(autouse=True)
def _purposes() -> None:
    seed_purposes(now=NOW)


def _edit(campaign: UUID) -> str:
    return reverse("campaign-edit", args=[campaign])


def test_a_new_campaign_begins_with_the_mail_it_was_started_from() -> None:
    client = browser()
    assert "newsletter.en" in desk.read(client, "campaign-start")
    page = client.get(reverse("campaign-new"), {"from": "newsletter.en"})
    assert page.context["form"]["mjml"].value() == desk.good_mjml()
    assert page.context["form"]["language"].value() == "en"
    done = client.post(reverse("campaign-new"), words())
    made = Campaign.objects.get()
    assert done.headers["Location"] == _edit(made.id)
    assert (made.state, made.mjml, made.segment_id) == ("draft", desk.good_mjml(), None)
    assert str(made.created_by) == client.session["_auth_user_id"]


def test_it_can_begin_with_a_template_of_the_team() -> None:
    client = browser()
    given = {"name": "Ours", "language": "fr", "mjml": "<mjml>ours</mjml>"}
    client.post(reverse("template-new"), given)
    start = desk.read(client, "campaign-start")
    assert "Ours" in start
    link = start.split('href="' + reverse("campaign-new") + "?from=")[1].split('"')[0]
    page = client.get(reverse("campaign-new"), {"from": link})
    assert page.context["form"]["mjml"].value() == "<mjml>ours</mjml>"


def test_saving_keeps_broken_code_and_says_what_is_wrong_on_which_line() -> None:
    client, campaign = browser(), cast.draft()
    answer = client.post(_edit(campaign), words(mjml=desk.BROKEN.replace("\n", "\r\n")))
    assert answer.status_code == 302
    assert Campaign.objects.get(id=campaign).mjml == desk.BROKEN
    html = client.get(_edit(campaign)).content.decode()
    assert 'data-campaigns-line="3" data-campaigns-column="2"' in html
    assert "Line 3, column 2" in html
    assert "&lt;mj-include path=&#x27;/etc/passwd&#x27; /&gt;" in html
    assert "things to put right before the launch" in html


def test_a_subject_that_is_missing_or_broken_is_saved_and_said() -> None:
    client, campaign = browser(), cast.draft()
    client.post(_edit(campaign), words(subject="Hello {{ name_of_the_dog }}", preheader="{{"))
    kept = Campaign.objects.get(id=campaign)
    assert (kept.subject, kept.preheader) == ("Hello {{ name_of_the_dog }}", "{{")
    html = client.get(_edit(campaign)).content.decode()
    assert 'href="#id_subject"' in html
    assert 'href="#id_preheader"' in html
    assert client.post(_edit(campaign), words(subject="")).status_code == 302


def test_save_and_check_leads_to_the_check() -> None:
    campaign = cast.draft()
    answer = browser().post(_edit(campaign), words(then="check"))
    assert answer.headers["Location"] == reverse("campaign", args=[campaign])


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("name", "a\u202eb"),
        ("purpose", "reply_to_request"),
        ("purpose", "email_measurement"),
        ("segment", "00000000-0000-0000-0000-000000000000"),
        ("segment", "nonsense"),
        ("language", "xx"),
        ("subject", "two\nlines"),
        ("sender_name", "Accord\r\nBcc: all@example.org"),
        ("sender_address", "nobody"),
        ("sender_address", "a@example.org\r\nBcc: b@example.org"),
        ("reply_to", "a b@example.org"),
        ("mjml", "a\x00b"),
    ],
)
def test_an_answer_that_cannot_be_kept_is_pointed_at_and_the_words_stay(
    field: str, typed: str
) -> None:
    client, campaign = browser(), cast.draft()
    before = Campaign.objects.values().get(id=campaign)
    answer = client.post(
        _edit(campaign),
        words(name="Other", **{field: typed}) if field != "name" else words(name=typed),
    )
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert Campaign.objects.values().get(id=campaign) == before


def test_a_colleague_is_not_overwritten_unknowingly() -> None:
    client, campaign = browser(), cast.draft()
    seen = client.get(_edit(campaign)).context["form"]["seen"].value()
    client.post(_edit(campaign), words(name="Theirs", seen=seen))
    answer = client.post(_edit(campaign), words(name="Mine", seen=seen))
    assert answer.status_code == 422
    assert "Somebody else saved this campaign" in answer.content.decode()
    assert Campaign.objects.get(id=campaign).name == "Theirs"
    newer = answer.context["form"]["seen"].value()
    assert client.post(_edit(campaign), words(name="Mine", seen=newer)).status_code == 302
    assert Campaign.objects.get(id=campaign).name == "Mine"


@pytest.mark.parametrize("seen", ["nonsense", "2026-11-23T09:00:00", "x" * 5000])
def test_a_version_that_is_no_moment_is_refused(seen: str) -> None:
    campaign = cast.draft()
    assert browser().post(_edit(campaign), words(seen=seen)).status_code == 422


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_what_was_launched_is_not_changed_by_the_editor() -> None:
    cast.subscribers(1)
    client, campaign = browser(), cast.launched()
    for answer in (client.get(_edit(campaign)), client.post(_edit(campaign), words(name="New"))):
        assert answer.headers["Location"] == reverse("campaign", args=[campaign])
    assert Campaign.objects.get(id=campaign).name == "News"


def test_an_archived_segment_stays_chosen_instead_of_becoming_everybody() -> None:
    rules = {"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["fr"]}]}
    segment = create_segment(name="French", rules=rules, now=NOW)
    campaign = cast.draft(segment_id=segment)
    archive_segment(segment_id=segment, now=NOW)
    client = browser()
    assert "French (archived)" in client.get(_edit(campaign)).content.decode()
    assert client.post(_edit(campaign), words(segment=str(segment))).status_code == 302
    assert Campaign.objects.get(id=campaign).segment_id == segment


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_a_copy_is_a_draft_with_the_same_words_whatever_became_of_the_first() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    answer = browser().post(reverse("campaign-copy", args=[campaign]))
    copy = Campaign.objects.exclude(id=campaign).get()
    first = Campaign.objects.get(id=campaign)
    assert answer.headers["Location"] == _edit(copy.id)
    assert (copy.state, copy.name) == ("draft", "Copy of News")
    assert (copy.mjml, copy.subject, copy.purpose_id) == (
        first.mjml, first.subject, first.purpose_id,
    )  # fmt: skip
    assert copy.audience_size is None


def test_a_draft_can_be_discarded_after_a_question() -> None:
    client, campaign = browser(), cast.draft()
    url = reverse("campaign-cancel", args=[campaign])
    assert "Discard this draft?" in client.get(url).content.decode()
    assert Campaign.objects.get(id=campaign).state == "draft"
    text = client.post(url, follow=True).content.decode()
    assert Campaign.objects.get(id=campaign).state == "cancelled"
    assert "It was cancelled as a draft: nobody was written to." in text


def test_the_list_of_merge_fields_is_the_linter_s() -> None:
    html = desk.read(browser(), "campaign-new")
    for field in ("{{ first_name }}", "{{ opt_out_url }}", "{{ privacy_contact }}"):
        assert field in html


def test_a_campaign_that_is_not_there_is_not_found() -> None:
    nobody = UUID(int=7)
    client = browser()
    for name in ("campaign", "campaign-edit", "campaign-preview", "campaign-progress"):
        assert client.get(reverse(name, args=[nobody])).status_code == 404
    for name in ("copy", "test", "launch", "pause", "resume", "cancel"):
        assert client.post(reverse(f"campaign-{name}", args=[nobody])).status_code == 404
