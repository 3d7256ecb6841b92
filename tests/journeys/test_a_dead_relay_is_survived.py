"""The relay is away: the campaign says so, waits, and goes on by itself."""

from uuid import uuid4

from campaigns import services as campaigns
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for


def test_a_campaign_waits_for_its_relay(stage: Stage) -> None:
    form = acts.publish_form()
    run = uuid4().hex[:8]
    emails = [f"person{number}-{run}@example.org" for number in range(3)]
    acts.subscribe(stage, form, emails)
    stage.inbox.stop()
    try:
        campaign = acts.launch(form, subject="Late")

        def is_halted() -> bool:
            account = campaigns.progress(campaign_id=campaign)
            return account.halted_reason == "relay_unreachable"

        wait_for(is_halted, "the campaign to say that the relay is away")
        assert campaigns.progress(campaign_id=campaign).counts["sent"] == 0
    finally:
        stage.inbox.start()
    account = acts.wait_until_finished(campaign)
    assert (account.counts["sent"], account.halted_reason) == (3, "")
    late = [mail for email in emails for mail in stage.inbox.to(email) if mail["Subject"] == "Late"]
    assert len(late) == 3
