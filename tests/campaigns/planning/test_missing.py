"""Send to the missing: who was not reached gets it, and nobody gets it twice."""

from collections import Counter
from uuid import UUID

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, Delivery, DeliveryState, LaunchPlan, Round
from campaigns.planning import agreement
from campaigns.services import Missing, NothingMissing, WrongState
from tests.campaigns import cast
from tests.campaigns.planning.cast import adds_up, halted, started, state
from tests.conftest import NOW
from tests.crm.staff import make_account
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _finished(*outcomes: DeliveryState) -> UUID:
    cast.subscribers(len(outcomes))
    campaign = started(cast.draft())
    rows = Delivery.objects.filter(campaign_id=campaign).order_by("id")
    for row, outcome in zip(rows, outcomes, strict=True):
        Delivery.objects.filter(id=row.id).update(state=outcome, worker="gone", attempts=3)
    services.sweep(now=NOW)
    assert state(campaign) == "finished"
    return campaign


def _send(campaign: UUID, *, with_failed: bool = False, with_unknown: bool = False) -> None:
    services.send_missing(
        campaign_id=campaign,
        actor_id=cast.people_actor(),
        with_failed=with_failed,
        with_unknown=with_unknown,
        now=NOW,
    )
    services.start(campaign_id=campaign, now=NOW)


SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED
UNKNOWN, BOUNCED = DeliveryState.UNKNOWN, DeliveryState.BOUNCED


def test_it_says_who_was_missed() -> None:
    campaign = _finished(SENT, FAILED, FAILED, UNKNOWN, BOUNCED)
    cast.subscriber("new@example.org")
    cast.subscriber("silent@example.org", says_yes=False)
    assert services.missing(campaign_id=campaign, now=NOW) == Missing(1, 2, 1)


def test_newcomers_alone_get_it_in_a_round_of_their_own(inbox: Inbox) -> None:
    campaign = _finished(SENT, FAILED, UNKNOWN)
    cast.subscriber("new@example.org")
    _send(campaign)
    cast.deliver(campaign)
    assert inbox.recipients() == ["new@example.org"]
    later = Round.objects.get(campaign_id=campaign)
    assert (later.number, later.newcomers, later.failed, later.unknown) == (2, 1, 0, 0)
    assert Counter(Delivery.objects.values_list("round", flat=True)) == {1: 3, 2: 1}
    assert state(campaign) == "finished"
    assert Campaign.objects.get(id=campaign).audience_size == 4
    adds_up(campaign)


def test_failed_ones_are_tried_anew_and_unknown_ones_only_if_that_is_chosen(inbox: Inbox) -> None:
    campaign = _finished(SENT, FAILED, UNKNOWN, BOUNCED)
    _send(campaign, with_failed=True)
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 1
    assert cast.counts(campaign) == {"sent": 2, "unknown": 1, "bounced": 1}
    _send(campaign, with_failed=True, with_unknown=True)
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 2
    assert cast.counts(campaign) == {"sent": 3, "bounced": 1}
    rounds = Round.objects.filter(campaign_id=campaign).order_by("number")
    assert [(each.number, each.failed, each.unknown) for each in rounds] == [(2, 1, 0), (3, 0, 1)]
    adds_up(campaign)


def test_who_has_it_never_gets_a_second_one(inbox: Inbox) -> None:
    campaign = _finished(SENT, SENT, UNKNOWN)
    cast.subscriber("new@example.org")
    _send(campaign, with_failed=True, with_unknown=True)
    cast.deliver(campaign)
    sent_before = Delivery.objects.filter(state=SENT, round=1)
    assert sent_before.count() == 2
    assert len(inbox.recipients()) == 2
    adds_up(campaign)


def test_who_has_said_no_since_is_left_out_at_the_gate(inbox: Inbox) -> None:
    contacts = cast.subscribers(1)
    campaign = started(cast.draft())
    Delivery.objects.filter(campaign_id=campaign).update(state=FAILED)
    services.sweep(now=NOW)
    cast.opt_out(contacts, ["person0@example.org"])
    _send(campaign, with_failed=True)
    cast.deliver(campaign)
    assert inbox.recipients() == []
    assert services.progress(campaign_id=campaign).skipped == {"withdrawn": 1}


def test_who_is_still_left_out_is_counted_anew() -> None:
    campaign = _finished(SENT)
    cast.subscriber("silent@example.org", says_yes=False)
    cast.subscriber("new@example.org")
    _send(campaign)
    account = services.progress(campaign_id=campaign)
    assert account.exclusions == {"no_permission": 1}
    assert account.audience == 2


def test_nobody_missing_is_no_round() -> None:
    campaign = _finished(SENT, UNKNOWN)
    with pytest.raises(NothingMissing):
        _send(campaign, with_failed=True)
    assert state(campaign) == "finished"
    assert not Round.objects.exists()


def test_only_a_finished_campaign_has_a_later_round_and_a_double_click_is_one() -> None:
    campaign = _finished(FAILED)
    services.send_missing(
        campaign_id=campaign, actor_id=None, with_failed=True, with_unknown=False, now=NOW
    )
    with pytest.raises(WrongState, match="starting"):
        services.send_missing(
            campaign_id=campaign, actor_id=None, with_failed=True, with_unknown=False, now=NOW
        )
    for _twice in range(2):
        services.start(campaign_id=campaign, now=NOW)
    assert Round.objects.count() == 1
    with pytest.raises(WrongState, match="running"):
        _send(campaign)


def test_what_is_not_ready_ends_as_it_was(settings: Settings) -> None:
    campaign = _finished(FAILED)
    services.send_missing(
        campaign_id=campaign, actor_id=None, with_failed=True, with_unknown=False, now=NOW
    )
    settings.ORGANISATION_NAME = ""
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), halted(campaign)) == ("finished", "not_ready")
    assert cast.counts(campaign) == {"failed": 1}
    assert LaunchPlan.objects.get(campaign_id=campaign).round == 1


def test_a_later_round_that_is_cancelled_before_it_starts_leaves_the_first_as_it_was() -> None:
    campaign = _finished(SENT, FAILED)
    services.send_missing(
        campaign_id=campaign, actor_id=None, with_failed=True, with_unknown=False, now=NOW
    )
    services.cancel(campaign_id=campaign, actor_id=None, now=NOW)
    services.start(campaign_id=campaign, now=NOW)
    assert state(campaign) == "finished"
    assert cast.counts(campaign) == {"sent": 1, "failed": 1}


def test_a_large_later_round_needs_a_second_person_of_its_own(settings: Settings) -> None:
    author, colleague = make_account("author"), make_account("colleague", "communication")
    campaign = _finished(FAILED, FAILED, FAILED)
    settings.CAMPAIGN_APPROVAL_SIZE = 2
    _send(campaign, with_failed=True)
    assert (state(campaign), halted(campaign)) == ("finished", "approval_missing")
    asked = agreement.ask(campaign_id=campaign, actor_id=author.id, people=3, now=NOW)
    agreement.decide(
        campaign_id=campaign, approval_id=asked, account=colleague, is_approved=True, now=NOW
    )
    _send(campaign, with_failed=True)
    assert state(campaign) == "running"
    assert cast.counts(campaign) == {"queued": 3}
