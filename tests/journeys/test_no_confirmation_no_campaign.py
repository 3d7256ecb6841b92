"""Who asked for the newsletter and has not confirmed by mail is not sent one, and it says so."""

from uuid import uuid4

import httpx

from tests.journeys import acts
from tests.journeys.stage import Stage


def test_only_who_confirmed_gets_the_campaign(stage: Stage) -> None:
    form = acts.publish_form()
    alice, charlie = (f"{name}-{uuid4().hex[:8]}@example.org" for name in ("alice", "charlie"))
    acts.subscribe(stage, form, [alice])
    acts.post_lead(stage, form, charlie, consents=["newsletter:email"])
    letter = acts.letter_to(stage, charlie)
    assert "confirm" in letter["Subject"].lower()
    acts.wait_for_leads(form, 2)
    account = acts.wait_until_finished(acts.launch(form, subject="Only for Alice"))
    assert account.counts["sent"] == 1
    assert account.exclusions == {"not_confirmed": 1}
    assert [mail["Subject"] for mail in stage.inbox.to(alice)][-1] == "Only for Alice"
    assert len(stage.inbox.to(charlie)) == 1  # the letter that asks, and nothing else


def test_reading_the_letter_confirms_nothing(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"{uuid4().hex}@example.org"
    acts.post_lead(stage, form, email, consents=["newsletter:email"])
    url = acts.link_in(acts.letter_to(stage, email), "c")
    for _ in range(2):
        assert httpx.get(url).status_code == 200
        assert httpx.head(url).status_code == 200
    account = acts.wait_until_finished(acts.launch(form))
    assert account.exclusions == {"not_confirmed": 1}
