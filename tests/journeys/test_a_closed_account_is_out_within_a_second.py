"""On a real staff process, with its threads and its kept connections: a closed account is out."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from crm.accounts.register import create_account
from crm.accounts.second_factor import Secret
from crm.accounts.sign_ins import end_sessions
from crm.models import Account, StaffSession
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, close_account, code_now
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow
PAGES = ("/", "/account/", "/contacts/", "/leads/", "/api/v1/schema")


def _post(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    browser.get(path)
    fields["csrfmiddlewaretoken"] = (
        browser.get(path).text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    )
    return browser.post(path, data=fields)


@pytest.fixture
def browser(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.staff_url, timeout=30) as opened:
        yield opened


@pytest.fixture
def account(browser: httpx.Client) -> Account:
    """Somebody who has signed in with both factors in `browser`."""
    made = create_account(
        username=f"leaver-{uuid4().hex[:6]}",
        role="marketing",
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
    )
    _post(browser, "/sign-in", username=made.account.username)
    _post(browser, "/sign-in/password", password=PASSWORD)
    assert made.secret is not None
    answer = _post(browser, "/sign-in/code", code=code_now(Secret(made.secret.hexadecimal)))
    assert answer.status_code == 302
    assert browser.get("/").status_code == 200
    return made.account


def _session(browser: httpx.Client) -> dict[str, str]:
    """The cookie that makes the session, as a copy of it would be used elsewhere."""
    return {"accord_session": browser.cookies["accord_session"]}


class Poll:
    """A page that asks again and again, as htmx does, and notes when it was last answered."""

    def __init__(self, browser: httpx.Client, path: str) -> None:
        self.cookies, self.url = _session(browser), str(browser.base_url.join(path))
        self.last_answered = 0.0
        self.answers = 0
        self.statuses: list[int] = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with httpx.Client(cookies=self.cookies, timeout=30) as client:
            while not self.is_over.is_set():
                asked_at = time.monotonic()
                answer = client.get(self.url, headers={"HX-Request": "true"})
                # htmx is answered 200 with HX-Redirect: that is a way out and no page.
                is_page = answer.status_code == 200 and "HX-Redirect" not in answer.headers
                if is_page:
                    self.last_answered, self.answers = asked_at, self.answers + 1
                else:
                    self.statuses.append(answer.status_code)


def _assert_out(stage: Stage, browser: httpx.Client) -> None:
    for path in PAGES:
        answer = httpx.get(
            f"{stage.staff_url}{path}", cookies=_session(browser), follow_redirects=False
        )
        assert answer.status_code in {302, 401}, path
        assert answer.headers.get("Location", "/sign-in").startswith("/sign-in"), path


@pytest.mark.parametrize("how", ["closed", "ended"])
def test_nothing_is_answered_a_second_later_also_to_pages_that_poll(
    stage: Stage, browser: httpx.Client, account: Account, how: str
) -> None:
    polls = [Poll(browser, path) for path in PAGES[:4]]
    for poll in polls:
        poll.thread.start()
    time.sleep(1)
    if how == "closed":
        close_account(account.username)
    else:
        end_sessions(account=account, now=cast.clock())
    closed_at = time.monotonic()
    time.sleep(1)
    _assert_out(stage, browser)
    for poll in polls:
        poll.is_over.set()
        poll.thread.join()
        assert poll.answers, poll.url
        # What was asked after the commit was not answered at all, let alone a second later.
        assert poll.last_answered < closed_at, poll.url
        assert poll.statuses, poll.url
    assert not StaffSession.objects.filter(account=account).exists()


@pytest.mark.usefixtures("account")
def test_an_old_cookie_is_worth_nothing_after_the_sign_out(
    stage: Stage, browser: httpx.Client
) -> None:
    with httpx.Client(base_url=stage.staff_url, cookies=_session(browser)) as old:
        assert old.get("/").status_code == 200
        page = browser.get("/account/").text
        token = page.split('name="csrf-token" content="')[1].split('"')[0]
        answer = browser.post("/sign-out", headers={"X-CSRFToken": token})
        assert answer.status_code == 302
        _assert_out(stage, old)
