"""The mail of a sequence leaves to whoever comes to its step, and in no other way."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.automations.activating import NotReadyToRun
from campaigns.drafts import NotADraft
from campaigns.models import Campaign, Delivery
from campaigns.planning import agreement
from campaigns.services import ComparisonSettings, WrongState
from tests.campaigns.automations import cast
from tests.campaigns.automations.cast import step
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
_ACTS: dict[str, Callable[[UUID], object]] = {
    "launch": lambda mail: services.launch(campaign_id=mail, actor_id=None, now=NOW),
    "begin": lambda mail: services.begin_launch(campaign_id=mail, actor_id=None, now=NOW),
    "schedule": lambda mail: services.schedule(
        campaign_id=mail, actor_id=None, scheduled_at=NOW + timedelta(days=1), now=NOW
    ),
    "missing": lambda mail: services.send_missing(
        campaign_id=mail, actor_id=None, with_failed=True, with_unknown=True, now=NOW
    ),
    "compare": lambda mail: services.compare_variants(
        campaign_id=mail,
        chosen=ComparisonSettings(variants=2, sample_percent=10, rule="person", wait_minutes=60),
        now=NOW,
    ),
    "ask": lambda mail: agreement.ask(campaign_id=mail, actor_id=UUID(int=1), people=9, now=NOW),
}


@pytest.mark.parametrize("state", ["draft", "running", "finished", "starting"])
@pytest.mark.parametrize("act", _ACTS)
def test_no_way_of_campaigns_sends_it(act: str, state: str) -> None:
    cast.person("alice")
    cast.active(step("a", "send"))
    mail = Campaign.objects.get().id
    Campaign.objects.filter(id=mail).update(state=state)
    with pytest.raises((WrongState, NotADraft)):
        _ACTS[act](mail)
    services.start(campaign_id=mail, now=NOW)
    assert not Delivery.objects.exists()


def test_a_crowd_that_is_there_already_does_not_enter_on_one_persons_word(
    settings: Settings,
) -> None:
    settings.CAMPAIGN_APPROVAL_SIZE = 1
    for name in ("alice", "bob"):
        cast.person(name)
    trigger = {"kind": "segment", "segment": str(cast.segment()), "with_present": True}
    with pytest.raises(NotReadyToRun):
        cast.active(step("a", "send"), trigger=trigger)
