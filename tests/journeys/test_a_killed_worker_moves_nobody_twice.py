"""Kill -9 of workers in the middle of a sequence: each step was done once for everybody."""

import time
from collections import Counter
from uuid import uuid4

import pytest

from campaigns.models import Delivery, DeliveryState, Enrolment
from crm.models import TimelineEntry
from crm.services import profiles
from tests.campaigns import cast as newsletters
from tests.campaigns.automations import cast
from tests.journeys.stage import Stage, wait_for

PEOPLE, SHARE = 60, 20


@pytest.mark.timeout(300)
def test_three_kills_in_one_sequence(stage: Stage) -> None:
    run = uuid4().hex[:8]
    emails = [f"person{number}-{run}@example.org" for number in range(PEOPLE)]
    contacts = [newsletters.subscriber(email) for email in emails]
    ours = frozenset(emails)

    def accepted() -> list[str]:
        return [each for each in stage.inbox.recipients() if each in ours]

    def slow(_recipient: str) -> str:
        time.sleep(0.02)  # a relay of fifty a second: there is something to interrupt
        return "250 2.0.0 kept"

    sequence = cast.active(
        cast.step("s1", "tag", tag=f"in-{run}"),
        cast.step("s2", "send"),
        cast.step("s3", "tag", tag=f"out-{run}"),
        name=run,
    )
    rows = Enrolment.objects.filter(sequence=sequence)
    stage.inbox.answer = slow
    try:
        for part in (1, 2, 3):
            # While they enter, while their mails leave, while they go on behind them.
            cast.enter(sequence, *contacts[(part - 1) * SHARE : part * SHARE])
            wait_for(lambda n=part: len(accepted()) >= n * SHARE // 2, "mails to leave")  # type: ignore[misc]
            stage.kill("worker")
            stage.start("worker")
        wait_for(lambda: not rows.filter(state="active").exists(), "everybody to end", seconds=120)
    finally:
        stage.inbox.answer = lambda _recipient: "250 2.0.0 kept"
    found = Counter(accepted())
    assert max(found.values()) == 1, "nobody got it twice"
    assert rows.filter(state="finished").count() == rows.count() == PEOPLE
    for tag in (f"in-{run}", f"out-{run}"):
        told = TimelineEntry.objects.filter(kind="tagged", reference__tag=tag)
        assert Counter(told.values_list("contact_id", flat=True)) == Counter(contacts)
    planned = Delivery.objects.filter(campaign__sequence_mail__version__sequence=sequence)
    mails = dict(planned.values_list("contact_id", "state"))
    assert planned.count() == len(mails) == PEOPLE
    people = {one: person.email for one, person in profiles(contact_ids=contacts).items()}
    for contact, state in mails.items():
        assert (state == DeliveryState.SENT) <= (found[people[contact]] == 1)
        assert state in (DeliveryState.SENT, DeliveryState.UNKNOWN)
