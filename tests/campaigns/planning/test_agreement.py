"""Above a size nothing is sent that one person alone has looked at."""

from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, CampaignVersion, Delivery, DeliveryState, LaunchPlan
from campaigns.planning import agreement
from campaigns.services import NotReady
from crm.approval_kinds import approval_kind
from crm.approving import ApprovalUnknown, decide, waiting_for
from crm.models import Account
from crm.services import change_segment, create_segment
from privacy.services import NotPending, SamePerson, approval
from tests.campaigns import cast
from tests.campaigns.planning.cast import begun, halted, state
from tests.conftest import NOW
from tests.crm.staff import make_account

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
LATER = NOW + timedelta(days=2)
EVERYBODY = {"match": "all", "rules": []}


@pytest.fixture(autouse=True)
def two_are_many(settings: Settings) -> None:
    settings.CAMPAIGN_APPROVAL_SIZE = 2


@pytest.fixture
def author() -> Account:
    return make_account("author", "marketing")


@pytest.fixture
def colleague() -> Account:
    return make_account("colleague", "communication")


def _asked(campaign: UUID, author: Account, people: int = 3) -> UUID:
    return agreement.ask(campaign_id=campaign, actor_id=author.id, people=people, now=NOW)


def _agree(campaign: UUID, account: Account) -> None:
    agreement.decide(
        campaign_id=campaign,
        approval_id=_newest(campaign),
        account=account,
        is_approved=True,
        now=NOW,
    )


def _newest(campaign: UUID) -> UUID:
    return LaunchPlan.objects.get(campaign_id=campaign).approval_id or UUID(int=0)


def _start(campaign: UUID) -> tuple[str, str]:
    services.start(campaign_id=begun(campaign), now=NOW)
    return state(campaign), halted(campaign)


def test_one_user_cannot_complete(author: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    assert _start(campaign) == ("draft", "approval_missing")
    asked = _asked(campaign, author)
    assert _start(campaign) == ("draft", "approval_missing")
    with pytest.raises(SamePerson):
        _agree(campaign, author)
    with pytest.raises(SamePerson):
        decide(account=author, approval_id=asked, is_approved=True, now=NOW)
    assert _start(campaign) == ("draft", "approval_missing")
    with pytest.raises(NotReady):
        services.launch(campaign_id=campaign, actor_id=author.id, now=NOW)
    assert not Delivery.objects.exists()


def test_with_a_second_person_it_is_sent_once(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    _asked(campaign, author)
    _agree(campaign, colleague)
    assert _start(campaign) == ("running", "")
    assert Delivery.objects.count() == 3
    found = agreement.agreement(campaign_id=campaign)
    assert found is not None
    assert found.asked.used_at == NOW


def test_few_people_need_nobody_else() -> None:
    cast.subscribers(2)
    assert _start(cast.draft()) == ("running", "")


def test_other_words_after_the_agreement_ask_anew(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    asked = _asked(campaign, author)
    _agree(campaign, colleague)
    Campaign.objects.filter(id=campaign).update(subject="Something else")
    assert _start(campaign) == ("draft", "approval_outdated")
    assert not Delivery.objects.exists()
    kind = approval_kind(agreement.KIND)
    found = approval(approval_id=asked)
    assert found is not None
    assert kind.are_taken_back([found.reference]) == [True]


def test_a_question_about_words_that_changed_is_taken_back(
    author: Account, colleague: Account
) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    _asked(campaign, author)
    Campaign.objects.filter(id=campaign).update(mjml="<mjml></mjml>")
    with pytest.raises(NotPending):
        _agree(campaign, colleague)


def test_other_rules_versions_or_purposes_ask_anew(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    segment = create_segment(name="All", rules=EVERYBODY, now=NOW)
    campaign = cast.draft(segment_id=segment)
    digests = {agreement.digest(Campaign.objects.get(id=campaign))}
    only = {"match": "none", "rules": [{"fact": "country", "is": "one_of", "value": ["JP"]}]}
    change_segment(segment_id=segment, name="All", rules=only, now=NOW)
    digests.add(agreement.digest(Campaign.objects.get(id=campaign)))
    CampaignVersion.objects.create(
        campaign_id=campaign, language="fr", subject="Bonjour", mjml="", updated_at=NOW
    )
    digests.add(agreement.digest(Campaign.objects.get(id=campaign)))
    Campaign.objects.filter(id=campaign).update(purpose_id="email_measurement")
    digests.add(agreement.digest(Campaign.objects.get(id=campaign)))
    assert len(digests) == 4


def test_many_more_people_than_were_agreed_to_ask_anew(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    _asked(campaign, author, people=3)  # three and a fifth: still three
    _agree(campaign, colleague)
    cast.subscriber("fourth@example.org")
    assert _start(campaign) == ("draft", "approval_outgrown")
    assert not Delivery.objects.exists()


def test_a_scheduled_campaign_needs_it_too(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    services.schedule(campaign_id=campaign, actor_id=author.id, scheduled_at=LATER, now=NOW)
    services.start_due(now=LATER)
    services.start(campaign_id=campaign, now=LATER)
    assert (state(campaign), halted(campaign)) == ("draft", "approval_missing")
    services.schedule(
        campaign_id=campaign, actor_id=author.id, scheduled_at=LATER + timedelta(days=1), now=LATER
    )
    _asked(campaign, author)
    _agree(campaign, colleague)
    services.start_due(now=LATER + timedelta(days=1))
    services.start(campaign_id=campaign, now=LATER + timedelta(days=1))
    assert state(campaign) == "running"


def test_a_refusal_says_why_and_sends_nothing(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    _asked(campaign, author)
    agreement.decide(
        campaign_id=campaign,
        approval_id=_newest(campaign),
        account=colleague,
        is_approved=False,
        reason="words",
        now=NOW,
    )
    assert _start(campaign) == ("draft", "approval_missing")
    found = agreement.agreement(campaign_id=campaign)
    assert found is not None
    assert (found.asked.is_approved, found.refusal_reason) == (False, "words")
    with pytest.raises(NotPending):
        _agree(campaign, colleague)


def test_who_has_no_part_in_campaigns_does_not_decide(author: Account) -> None:
    campaign = cast.draft()
    asked = _asked(campaign, author)
    for role in ("support", "sales", "administrator"):
        account = make_account(role, role)
        with pytest.raises(ApprovalUnknown):
            decide(account=account, approval_id=asked, is_approved=True, now=NOW)


def test_the_officer_finds_it_among_the_approvals_in_words(author: Account) -> None:
    campaign = cast.draft(subject="Big news")
    _asked(campaign, author, people=5000)
    officer = make_account("officer", "dpo")
    (line,), _more = waiting_for(account=officer, now=NOW)
    assert line.may_decide
    said = [str(text) for _label, text in line.facts]
    assert "Big news" in said
    assert "6000" in said


def test_an_agreement_ends_by_itself(author: Account, colleague: Account) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    _asked(campaign, author)
    _agree(campaign, colleague)
    late = NOW + agreement.LIVES + timedelta(days=1)
    services.begin_launch(campaign_id=campaign, actor_id=author.id, now=late)
    services.start(campaign_id=campaign, now=late)
    assert (state(campaign), halted(campaign)) == ("draft", "approval_missing")


def test_without_a_question_there_is_nothing_to_decide(author: Account) -> None:
    cast.subscribers(1)
    campaign = begun(cast.draft())
    assert agreement.agreement(campaign_id=campaign) is None
    with pytest.raises(NotPending):
        _agree(campaign, author)


def test_a_question_that_was_asked_anew_is_not_answered_by_the_page_of_the_first(
    author: Account, colleague: Account
) -> None:
    cast.subscribers(3)
    campaign = cast.draft()
    read = _asked(campaign, author)
    Campaign.objects.filter(id=campaign).update(subject="Something else")
    _asked(campaign, author)
    with pytest.raises(NotPending):
        agreement.decide(
            campaign_id=campaign, approval_id=read, account=colleague, is_approved=True, now=NOW
        )
    assert _start(campaign) == ("draft", "approval_missing")


def test_a_segment_inside_the_segment_is_agreed_to_as_well(
    author: Account, colleague: Account
) -> None:
    cast.subscribers(3)
    inner = create_segment(name="Inner", rules=EVERYBODY, now=NOW)
    named = {"fact": "segment", "is": "one_of", "value": [str(inner)]}
    outer = create_segment(name="Outer", rules={"match": "all", "rules": [named]}, now=NOW)
    campaign = cast.draft()
    Campaign.objects.filter(id=campaign).update(segment_id=outer)
    _asked(campaign, author)
    _agree(campaign, colleague)
    french = {"fact": "language", "is": "one_of", "value": ["fr"]}
    rules = {"match": "all", "rules": [french]}
    change_segment(segment_id=inner, name="Inner", rules=rules, now=NOW)
    assert _start(campaign)[1] == "approval_outdated"


def test_small_rounds_add_up_to_a_large_one() -> None:
    emails = [f"early{number}@example.org" for number in range(2)]
    for email in emails:
        cast.subscriber(email)
    campaign = begun(cast.draft())
    services.start(campaign_id=campaign, now=NOW)
    Delivery.objects.update(state=DeliveryState.SENT)
    services.sweep(now=NOW)
    cast.subscriber("late@example.org")
    services.send_missing(
        campaign_id=campaign, actor_id=None, with_failed=False, with_unknown=False, now=NOW
    )
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), halted(campaign)) == ("finished", "approval_missing")
