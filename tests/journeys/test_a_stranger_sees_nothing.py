"""From another network, or with one factor, the staff side is a closed door."""

import httpx

from tests.crm.access.test_every_staff_address import GUARDED
from tests.journeys import acts
from tests.journeys.stage import Stage


def test_a_strangers_network_sees_nothing(stage: Stage) -> None:
    # Linux answers for the whole of 127.0.0.0/8: this socket comes from another address.
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=transport, base_url=stage.staff_url) as stranger:
        for url in ["/", "/sign-in", "/health", *(url for url, _ in GUARDED)]:
            for claim in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
                answer = stranger.get(url, headers=claim)
                assert (answer.status_code, answer.text) == (403, "403 Forbidden\n"), url


def test_one_factor_opens_nothing(stage: Stage) -> None:
    account = acts.new_account()
    with acts.staff_browser(stage) as browser:
        assert acts.show_password(browser, account).headers["Location"] == "/sign-in/code"
        for url, _pattern in GUARDED:
            answer = browser.get(url)
            assert answer.status_code in {302, 405}, url
            if answer.status_code == 302:
                assert answer.headers["Location"] == "/sign-in/code", url
            assert not answer.content


def test_both_factors_open_the_pages_of_the_role(stage: Stage) -> None:
    account = acts.new_account()
    with acts.staff_browser(stage) as browser:
        acts.show_password(browser, account)
        assert acts.show_code(browser, account).status_code == 302
        for url in ("/", "/contacts/", "/segments/", "/campaigns/"):
            page = browser.get(url)
            assert page.status_code == 200, url
            assert "script-src 'self'" in page.headers["Content-Security-Policy"]
            assert page.headers["Cache-Control"] == "no-store"


def test_a_wrong_code_opens_nothing_and_is_counted(stage: Stage) -> None:
    account = acts.new_account()
    with acts.staff_browser(stage) as browser:
        acts.show_password(browser, account)
        for _ in range(3):
            assert acts.submit(browser, "/sign-in/code", code="000000").status_code == 200
        assert browser.get("/").status_code == 302
