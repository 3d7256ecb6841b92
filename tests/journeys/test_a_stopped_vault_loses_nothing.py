"""The vault is away: forms are still taken, nothing is sent, and everything goes on afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg

from campaigns import services as campaigns
from tests import plugin
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for


@contextmanager
def without_vault(stage: Stage) -> Iterator[None]:
    """Close the vault's database to everybody, and end whoever is in it."""
    name = stage.names["vault"]
    with psycopg.connect(plugin.CLUSTER.dsn(database="postgres"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_leads_are_taken_while_the_vault_is_away_and_opened_when_it_is_back(stage: Stage) -> None:
    form = acts.publish_form()
    emails = [f"{uuid4().hex}@example.org" for _ in range(3)]
    with without_vault(stage):
        for email in emails:
            assert acts.post_lead(stage, form, email).status_code == 202
        assert acts.arrivals(form) == []
    assert len(acts.wait_for_leads(form, 3)) == 3


def test_a_campaign_waits_for_the_vault_and_loses_nobody(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"alice-{uuid4().hex[:8]}@example.org"
    acts.subscribe(stage, form, [email])
    before = len(stage.inbox.to(email))
    with without_vault(stage):
        campaign = acts.launch(form)
        wait_for(lambda: "OperationalError" in stage.log("worker"), "the worker to notice")
        assert campaigns.progress(campaign_id=campaign).counts["sent"] == 0
        assert len(stage.inbox.to(email)) == before
    account = acts.wait_until_finished(campaign)
    assert (account.counts["sent"], account.audience) == (1, 1)
    assert len(stage.inbox.to(email)) == before + 1


def test_a_staff_page_says_that_something_is_out_of_reach_and_shows_no_inside(
    stage: Stage,
) -> None:
    account = acts.new_account()
    with acts.staff_browser(stage) as browser:
        acts.show_password(browser, account)
        acts.show_code(browser, account)
        with without_vault(stage):
            page = browser.get("/contacts/")
            assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
            assert "Traceback" not in page.text and "psycopg" not in page.text
        assert browser.get("/contacts/").status_code == 200
