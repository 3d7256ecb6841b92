"""The launch: who is planned, who is left out and why, and what is not ready."""

import pytest

from campaigns import services
from campaigns.models import Campaign, CompiledContent, Delivery
from campaigns.services import NotReady, WrongState
from crm.models import Contact
from crm.services import waterfall
from tests.campaigns import cast
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def test_everybody_is_planned_or_left_out_with_a_reason() -> None:
    cast.subscribers(2)
    cast.subscriber("silent@example.org", says_yes=False)
    cast.subscriber("unconfirmed@example.org", is_confirmed=False)
    campaign = cast.launched()
    account = services.progress(campaign_id=campaign)
    assert account.audience == 2
    assert account.exclusions == {"no_permission": 1, "not_confirmed": 1}
    assert account.counts["queued"] == 2
    assert Campaign.objects.get(id=campaign).audience_size == 2


def test_a_second_launch_is_refused_and_plans_nothing() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    with pytest.raises(WrongState, match="running"):
        services.launch(campaign_id=campaign, actor_id=None, now=NOW)
    assert Delivery.objects.count() == 1


def test_a_campaign_without_anybody_to_write_to_is_finished_at_once() -> None:
    cast.subscriber("silent@example.org", says_yes=False)
    campaign = cast.launched()
    assert services.progress(campaign_id=campaign).state == "finished"


def test_a_broken_template_is_refused_with_line_and_column() -> None:
    campaign = cast.draft(mjml="<mjml>\n<mj-body>\n <mj-include path='/etc/passwd' />\n</mj-body>")
    with pytest.raises(NotReady) as refused:
        services.launch(campaign_id=campaign, actor_id=None, now=NOW)
    assert any((reason.line, reason.column) == (3, 2) for reason in refused.value.reasons)
    assert Campaign.objects.get(id=campaign).state == "draft"
    assert not CompiledContent.objects.exists()


def test_the_states_follow_each_other_and_no_other_way() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    services.pause(campaign_id=campaign, actor_id=None, now=NOW)
    services.pause(campaign_id=campaign, actor_id=None, now=NOW)
    services.resume(campaign_id=campaign, actor_id=None, now=NOW)
    services.cancel(campaign_id=campaign, actor_id=None, now=NOW)
    with pytest.raises(WrongState, match="cancelled"):
        services.resume(campaign_id=campaign, actor_id=None, now=NOW)
    account = services.progress(campaign_id=campaign)
    assert account.skipped == {"cancelled": 1}
    moves = Campaign.objects.get(id=campaign).changes.order_by("id")
    assert [move.to_state for move in moves] == [
        "draft", "running", "paused", "running", "cancelled",
    ]  # fmt: skip


def test_no_message_is_sent_for_the_purpose_of_measuring() -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    Campaign.objects.filter(id=campaign).update(purpose_id="email_measurement")
    with pytest.raises(NotReady):
        services.launch(campaign_id=campaign, actor_id=None, now=NOW)


def test_who_was_announced_is_who_is_planned_and_left_out() -> None:
    """Two statements hold the same ladder: the one that announces and the one that freezes."""
    kinds = ("planned", "silent", "asked", "restricted", "unreachable", "nameless")
    people = {
        kind: cast.subscriber(
            f"{kind}@example.org", says_yes=kind != "silent", is_confirmed=kind != "asked"
        )
        for kind in kinds
    }
    Contact.objects.filter(id=people["restricted"]).update(restricted_at=NOW)
    Contact.objects.filter(id=people["unreachable"]).update(unreachable_at=NOW)
    Contact.objects.filter(id=people["nameless"]).update(has_email=False)
    announced = waterfall(rules=None, purpose_code="newsletter", channel="email", now=NOW)
    account = services.progress(campaign_id=cast.launched())
    assert {step.reason_code: step.contacts for step in announced.steps} == account.exclusions
    assert announced.reachable == account.audience == 1
    assert len(account.exclusions) == len(kinds) - 1
