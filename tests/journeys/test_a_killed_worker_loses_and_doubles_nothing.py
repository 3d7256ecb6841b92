"""Kill -9 of a worker in the middle of a campaign: count at the relay against the ledger."""

import time
from collections import Counter
from uuid import uuid4

from campaigns.models import Delivery, DeliveryState
from crm.services import profiles
from tests.campaigns import cast
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for

PEOPLE = 120


def test_three_kills_in_one_campaign(stage: Stage) -> None:
    run = uuid4().hex[:8]
    emails = [f"person{number}-{run}@example.org" for number in range(PEOPLE)]
    contacts = [cast.subscriber(email) for email in emails]
    ours = frozenset(emails)

    def accepted() -> list[str]:
        return [each for each in stage.inbox.recipients() if each in ours]

    def slow(_recipient: str) -> str:
        time.sleep(0.02)  # a relay of fifty a second: there is something to interrupt
        return "250 2.0.0 kept"

    stage.inbox.answer = slow
    try:
        campaign = cast.launched(subject="Killed")
        for part in (1, 2, 3):
            wait_for(lambda n=part: len(accepted()) >= n * PEOPLE // 5, "messages to leave")  # type: ignore[misc]
            stage.kill("worker")
            stage.start("worker")
        account = acts.wait_until_finished(campaign)
    finally:
        stage.inbox.answer = lambda _recipient: "250 2.0.0 kept"
    found = Counter(accepted())
    assert max(found.values()) == 1, "nobody got it twice"
    addresses = {
        person.email: contact for contact, person in profiles(contact_ids=contacts).items()
    }
    states = dict(Delivery.objects.filter(campaign_id=campaign).values_list("contact_id", "state"))
    for email, contact in addresses.items():
        state = states[contact]
        if state == DeliveryState.SENT:
            assert found[email] == 1, "what is called sent has arrived"
        else:
            # What cannot be proven is called unknown and is not sent again.
            assert state == DeliveryState.UNKNOWN
    # People of other journeys are in the audience too, and may have asked for a pause.
    ended = ("sent", "unknown", "skipped")
    assert sum(account.counts[state] for state in ended) == account.audience
    assert account.counts["unknown"] <= 3 * 2 * 15  # at most a batch per process and kill
