"""One cast before every way to a person: only who said yes and nothing since is reached."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from campaigns.models import Delivery
from consent import services
from consent.models import MailingPreference
from consent.services import Answer, Basis, Reach
from crm.calling import call_list
from crm.people import profiles
from crm.segments.compile import membership
from crm.services import Person, receive_many, waterfall
from tests.campaigns import cast
from tests.conftest import NOW
from tests.consent.people import decide, later, newsletter, submit
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
NAMES = ("alice", "withdrawn", "objecting", "suppressed", "paused", "never")
Cast = dict[str, UUID]


def _email(name: str) -> str:
    return f"{name}@example.org"


def _calls(*, says_no: bool) -> Answer:
    services.seed_purposes(now=NOW)
    assessment = services.current_assessment(purpose_code="phone_prospecting")
    basis = Basis.LEGITIMATE_INTEREST
    return Answer("phone_prospecting", "phone", basis, assessment, says_no, "No calls")


@pytest.fixture
def people() -> Cast:
    """All of them had a permission once, but the one whom nobody ever asked."""
    found: Cast = {}
    for number, name in enumerate(NAMES):
        who = Person(email=_email(name), given_name=name.title(), phone=f"+3361234567{number}")
        found[name] = receive_many(people=[(who, {"language": "fr", "source": "test"})], now=NOW)[0]
        if name != "never":
            answers = (newsletter(is_ticked=True), _calls(says_no=False))
            submit(found[name], *answers, email=_email(name), needs_confirmation=False)
    return found


def _say_no(people: Cast) -> None:
    """What each of them did since; the suppressed one is unknown to the ledger by that address."""
    for purpose in ("newsletter", "phone_prospecting"):
        for name in ("withdrawn", "objecting"):
            services.withdraw_on_behalf(
                subject_id=people[name],
                email=_email(name),
                purpose_code=purpose,
                source_id=uuid4(),
                actor_id=uuid4(),
                now=later(hours=1),
            )
    # Said for the mailbox by somebody whom the ledger does not know as this person.
    services.withdraw_on_behalf(
        subject_id=uuid4(),
        email=_email("suppressed"),
        purpose_code="",
        source_id=uuid4(),
        actor_id=uuid4(),
        now=later(hours=1),
    )
    MailingPreference.objects.create(
        subject_id=people["paused"],
        paused_until=later(days=3650),
        changed_at=NOW,
        source_id=uuid4(),
    )


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    inbox = Inbox()
    inbox.start()
    settings.RELAY_URL = f"smtp://127.0.0.1:{inbox.port}?timeout=5&final_timeout=5"
    settings.LEASE_SECONDS = 60
    yield inbox
    inbox.stop()


def test_the_audience_is_frozen_without_them(people: Cast) -> None:
    """Who said no under another name is in the plan, by id, and is met at the hand-over."""
    _say_no(people)
    cast.launched()
    planned = set(Delivery.objects.values_list("contact_id", flat=True))
    assert planned == {people["alice"], people["suppressed"]}


@pytest.mark.parametrize("is_early", [True, False], ids=["before the launch", "after the launch"])
def test_the_hand_over_is_for_nobody_of_them(people: Cast, inbox: Inbox, is_early: bool) -> None:
    if is_early:
        _say_no(people)
    campaign = cast.launched()
    if not is_early:
        _say_no(people)
    cast.deliver(campaign)
    assert inbox.recipients() == [_email("alice")]


def test_the_phone_list_shows_nobody_of_them(people: Cast) -> None:
    _say_no(people)
    found = call_list(rules=None, after=None, now=later(hours=2))
    assert [line.contact.id for line in found.lines] == [people["alice"]]


def _reachable(people: Cast, purpose: str, channel: str) -> set[UUID]:
    who = profiles(contact_ids=list(people.values()))
    reaches = {number: Reach(each.email, each.phone) for number, each in who.items()}
    answers = services.reachable(people=reaches, purpose_code=purpose, channel=channel)
    return {number for number, refusal in answers.items() if refusal is None}


@pytest.mark.parametrize(
    ("purpose", "channel"), [("newsletter", "email"), ("phone_prospecting", "phone")]
)
def test_reachable_names_nobody_of_them(people: Cast, purpose: str, channel: str) -> None:
    assert len(_reachable(people, purpose, channel)) == len(NAMES) - 1
    _say_no(people)
    assert _reachable(people, purpose, channel) == {people["alice"]}


def _by_permits(people: Cast) -> set[UUID]:
    return services.permits(
        subject_ids=list(people.values()), purpose_code="newsletter", channel="email"
    )


def _by_explain(people: Cast) -> set[UUID]:
    return {
        number
        for number in people.values()
        if services.explain(
            subject_id=number, purpose_code="newsletter", channel="email"
        ).is_permitted
    }


def _by_segment(people: Cast) -> set[UUID]:
    from django.db import connections

    rule = {"fact": "permission", "is": "one_of", "value": ["newsletter"]}
    statement, parameters = membership(rules={"match": "all", "rules": [rule]}, now=NOW)
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("ask", [_by_permits, _by_explain, _by_segment])
def test_every_question_about_permission_has_the_same_answer(
    people: Cast, ask: Callable[[Cast], set[UUID]]
) -> None:
    """By id alone: what is kept for an address only is found where the address is known."""
    _say_no(people)
    assert ask(people) == {people["alice"], people["suppressed"]}


def test_the_waterfall_counts_what_the_launch_plans(people: Cast) -> None:
    _say_no(people)
    fall = waterfall(rules=None, purpose_code="newsletter", channel="email", now=NOW)
    cast.launched()
    assert fall.reachable == Delivery.objects.count() == 2


def test_a_no_by_link_reaches_the_number_before_the_next_call(people: Cast) -> None:
    alice = people["alice"]
    links = services.opt_out_links(
        subjects={alice: _email("alice")}, purpose_code="phone_prospecting", now=NOW
    )
    token = links[alice].one_click_url.rsplit("/", 1)[1]
    decide("opt_out", token=token, at=later(hours=1))
    found = call_list(rules=None, after=None, now=later(hours=2))
    assert alice not in {line.contact.id for line in found.lines}
