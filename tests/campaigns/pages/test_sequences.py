"""Writing a sequence by the forms of its pages, letting it run, and one person's passage."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from campaigns.automations.definition import read_definition
from campaigns.models import (
    Campaign,
    CampaignMode,
    ColleagueNotice,
    Enrolment,
    Sequence,
    SequenceVersion,
)
from campaigns.pages import READERS, WRITERS
from campaigns.pages.sequences.urls import urlpatterns
from campaigns.services import send_notices
from crm.models import Contact
from crm.services import Account, Role
from tests.campaigns import cast as newsletters
from tests.campaigns.automations import cast
from tests.campaigns.delivery.conftest import inbox
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
__all__ = ["inbox"]
READ = {"sequence-list", "sequence", "sequence-people", "sequence-notice"}
SETTINGS = {
    "name": "Welcome", "purpose": "newsletter", "kind": "hand", "form": "", "tag": "",
    "segment": "", "of": "created", "days": "0", "reentry_days": "0", "on_skip": "continue",
    "patience_days": "7", "exits_on_reply": "on", "exit_tags": "", "goal": "",
}  # fmt: skip


def post(client: Client, page: str, /, *args: object, **data: str) -> str:
    response = client.post(reverse(page, args=args), data, follow=True)
    assert response.status_code in (200, 422), (page, response.status_code)
    return response.content.decode()


def steps() -> list[str]:
    held = SequenceVersion.objects.get(activated_at=None).definition
    return [f"{step.key} {step.kind}" for step in read_definition(held).every_step()]


def test_a_sequence_from_its_first_page_to_its_end(inbox: Inbox) -> None:
    client = browser()
    alice = newsletters.subscriber("alice@example.org")
    assert "No sequence yet" in desk.read(client, "sequence-list")
    post(client, "sequence-new", name="Welcome", purpose="newsletter")
    number = Sequence.objects.get().id
    page = post(client, "sequence-settings", number, **{**SETTINGS, "exit_tags": "Lost, hot"})
    assert "Add a step: so far nothing happens." in page
    post(client, "sequence-add", number, kind="send", place="first:")
    page = post(client, "sequence-add", number, kind="wait", place="after:s1")
    assert "How long" in page
    post(client, "sequence-step", number, "s2", amount="2", unit="days")
    post(client, "sequence-add", number, kind="condition", place="after:s2")
    post(client, "sequence-step", number, "s3", sent="s1", segment="")
    post(client, "sequence-add", number, kind="stop", place="yes:s3")
    assert steps() == ["s1 send", "s2 wait", "s3 condition", "s4 stop"]
    page = desk.read(client, "sequence-edit", number)
    assert "Was the mail S1 sent?" in page
    assert "thing to put right" in page  # the mail has no subject
    mail = Campaign.objects.get(mode=CampaignMode.SEQUENCE)
    assert "It goes to whoever comes to its step" in desk.read(client, "campaign-edit", mail.id)
    words = desk.words(subject="Welcome {{ first_name }}", seen=mail.updated_at.isoformat())
    post(client, "campaign-edit", mail.id, then="check", **words)
    page = desk.read(client, "sequence-edit", number)
    assert "Everything is ready." in page
    draft = SequenceVersion.objects.get()
    page = post(client, "sequence-activate", number, seen=draft.updated_at.isoformat())
    assert "The sequence is active." in page
    page = post(client, "passage-begin", alice, sequence=str(number))
    assert "The person has entered the sequence." in page
    cast.turn(number, Enrolment.objects.get().due_at or NOW)
    cast.deliver()
    assert [m["Subject"] for m in inbox.to("alice@example.org")] == ["Welcome Alice"]
    page = desk.plain(desk.read(client, "sequence", number))
    assert "1 here" in page and "1 came" in page and "Inside 1" in page
    assert "Alice" in desk.read(client, "sequence-people", number)
    Contact.objects.filter(id=alice).update(restricted_at=NOW)
    page = desk.read(client, "sequence-people", number)
    assert "Data left unused" in page and "Alice" not in page


def test_steps_are_moved_and_removed_with_and_without_htmx() -> None:
    client = browser()
    number = cast.write(cast.wait("s1"), cast.wait("s2"), cast.step("s3", "stop"))
    post(client, "sequence-move", number, "s2", by="up")
    assert steps() == ["s2 wait", "s1 wait", "s3 stop"]
    url = reverse("sequence-move", args=[number, "s2"])
    answer = client.post(url, {"by": "down"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert 'id="step-s2"' in answer.content.decode()
    assert steps() == ["s1 wait", "s2 wait", "s3 stop"]
    post(client, "sequence-remove", number, "s1")
    assert steps() == ["s2 wait", "s3 stop"]
    assert "This step is no longer there." in post(client, "sequence-remove", number, "s1")


def test_what_is_wrong_is_said_at_its_place_and_it_is_not_activated() -> None:
    client = browser()
    number = cast.write(cast.step("s1", "stop"), cast.wait("s2"))
    page = desk.read(client, "sequence-edit", number)
    assert "Nobody comes to this step" in page
    page = post(client, "sequence-activate", number)
    assert "Some things need to be put right first" in page
    assert Sequence.objects.get().state == "draft"


def test_pause_archive_and_back() -> None:
    client = browser()
    number = cast.active(cast.wait("s1"))
    assert "Paused: nobody enters" in post(client, "sequence-pause", number)
    assert "The sequence goes on." in post(client, "sequence-resume", number)
    assert "Archived." in post(client, "sequence-archive", number)
    assert "Welcome" not in desk.read(client, "sequence-list")
    assert "is paused until" in post(client, "sequence-restore", number)
    assert Sequence.objects.get().state == "paused"


def test_a_change_of_a_running_one_is_a_new_draft_and_can_be_discarded() -> None:
    client = browser()
    number = cast.active(cast.wait("s1"))
    assert "Draft" in post(client, "sequence-edit", number)
    assert SequenceVersion.objects.count() == 2
    post(client, "sequence-remove", number, "s1")
    assert "The draft is discarded" in post(client, "sequence-discard", number)
    assert SequenceVersion.objects.get().number == 1


def test_a_passage_on_the_page_of_its_contact_is_stopped_and_taken_up() -> None:
    client = browser()
    alice = newsletters.subscriber("alice@example.org")
    assert "This person is in no sequence." in desk.read(client, "contact", alice)
    number = cast.active(cast.wait("s1", 9))
    cast.enter(number, alice)
    cast.turn(number, NOW)
    page = desk.read(client, "contact", alice)
    assert "Under way" in page and "Wait for a time" in page
    row = Enrolment.objects.get()
    assert "Was stopped by hand" in post(client, "passage-stop", row.id)
    assert "Under way" in post(client, "passage-resume", row.id)
    assert "is in it already" in post(client, "passage-begin", alice, sequence=str(number))


def test_a_colleague_is_told_in_the_program_and_by_a_mail_that_names_nobody(inbox: Inbox) -> None:
    client = browser("sales")
    sales = Account.objects.get(username="sales")
    alice = newsletters.subscriber("alice@example.org", name="Zorglub")
    step = cast.step("s1", "notify", account=str(sales.id), address="colleague@example.net")
    number = cast.active(step)
    cast.enter(number, alice)
    cast.turn(number, NOW)
    notice = ColleagueNotice.objects.get()
    assert reverse("sequence-notice", args=[notice.id]) in client.get("/").content.decode()
    assert (send_notices(now=NOW), send_notices(now=NOW)) == (1, 0)
    mail = inbox.to("colleague@example.net")[0]
    text = mail.as_string()
    assert "Zorglub" not in text and "alice@" not in text and str(alice) not in text
    assert str(notice.id) in mail.get_content()
    page = client.get(reverse("sequence-notice", args=[notice.id]), follow=True).content.decode()
    assert "asks you to look at this contact" in page
    assert browser().get(reverse("sequence-notice", args=[notice.id])).status_code == 404
    assert "it is off your list" in post(client, "sequence-notice", notice.id)
    assert ColleagueNotice.objects.get().seen_at is not None


# --- who may what ------------------------------------------------------------------------------


def _addresses(sequence: UUID, enrolment: UUID) -> Iterator[tuple[str, str]]:
    samples = {
        "sequence_id": sequence, "enrolment_id": enrolment, "contact_id": uuid4(),
        "notice_id": uuid4(), "key": "s1",
    }  # fmt: skip
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        names = pattern.pattern.converters
        yield (
            str(pattern.name),
            reverse(str(pattern.name), kwargs={name: samples[name] for name in names}),
        )


@pytest.fixture
def things() -> tuple[UUID, UUID]:
    sequence = cast.active(cast.wait("s1", 9))
    cast.enter(sequence, newsletters.subscriber("alice@example.org"))
    return sequence, Enrolment.objects.get().id


@pytest.mark.parametrize("role", [role.value for role in Role if role.value not in READERS])
def test_other_roles_see_nothing(things: tuple[UUID, UUID], role: str) -> None:
    client = browser(role)
    for name, url in _addresses(*things):
        assert {client.get(url).status_code, client.post(url).status_code} <= {403, 405}, name


@pytest.mark.parametrize("role", ["sales", "dpo"])
def test_readers_change_nothing(things: tuple[UUID, UUID], role: str) -> None:
    client = browser(role)
    before = (Sequence.objects.values().get(), Enrolment.objects.values().get())
    for name, url in _addresses(*things):
        expected = {200, 404, 405} if name in READ else {403, 405}
        assert {client.get(url).status_code, client.post(url).status_code} <= expected, name
    assert (Sequence.objects.values().get(), Enrolment.objects.values().get()) == before
    page = desk.read(client, "sequence", things[0])
    assert not [url for name, url in _addresses(*things) if name not in READ and f'"{url}"' in page]


def test_no_page_holds_anything_inline_or_from_elsewhere(things: tuple[UUID, UUID]) -> None:
    client = browser(WRITERS[0])
    post(client, "sequence-edit", things[0])
    pages = {
        name: client.get(url).content.decode()
        for name, url in _addresses(*things)
        if name != "sequence-notice"
    }
    assert sum("<html" in html for html in pages.values()) >= 6
    for name, html in pages.items():
        assert not desk.offences(html), name
