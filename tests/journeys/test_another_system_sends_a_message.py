"""A shop asks for messages over HTTP; real processes send them, are killed, and tell no secret."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from campaigns.transactional.filling import Words
from campaigns.transactional.templates import Design, create_transactional_template
from campaigns.transactional.variables import read_declaration
from crm.accounts.register import create_account
from crm.accounts.tokens import make_token
from tests.campaigns import cast
from tests.crm.staff import PASSWORD
from tests.journeys.stage import Stage, wait_for

ORDERS = 30
ENDED = {"sent", "unknown"}


def _template(*, is_required: bool) -> str:
    code = f"order-{uuid4().hex[:10]}"
    design = Design(
        name=code,
        purpose="service_information",
        ground="legal_obligation" if is_required else "contract",
        is_required=is_required,
        variables=read_declaration("order text\nlink link"),
        versions=[Words("en", "Order {{ order }}", "Dear {{ first_name }}, see {{ link }}")],
    )
    now = cast.clock()
    create_transactional_template(code=code, design=design, actor_id=UUID(int=1), now=now)
    return code


@pytest.fixture
def shop(stage: Stage) -> Iterator[httpx.Client]:
    now, name = datetime.now(UTC), f"shop-{uuid4().hex[:6]}"
    made = create_account(username=name, role="marketing", now=now, password=PASSWORD)
    key = make_token(
        account=made.account,
        name="shop",
        scopes=["messages:send"],
        networks=["127.0.0.1/32"],
        expires_at=now + timedelta(days=1),
        now=now,
    )
    bearer = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stage.staff_url, headers=bearer, timeout=60) as client:
        yield client


def _ask(shop: httpx.Client, code: str, email: str, word: str) -> dict[str, Any]:
    """Ask twice, as a system does that lost the first answer."""
    answers = [
        shop.post(
            "/api/v1/messages",
            json={
                "template": code,
                "language": "en",
                "email": email,
                "variables": {"order": word, "link": f"https://shop.example.org/{word}"},
            },
            headers={"Idempotency-Key": f"confirmed-{word}"},
        )
        for _twice in range(2)
    ]
    assert [each.status_code for each in answers] == [202, 202], answers[0].text
    assert answers[0].json() == answers[1].json()
    return dict(answers[0].json())


def _states(shop: httpx.Client, numbers: list[str]) -> Counter[str]:
    return Counter(shop.get(f"/api/v1/messages/{n}").json()["state"] for n in numbers)


def test_it_is_asked_for_read_and_told_in_no_log(stage: Stage, shop: httpx.Client) -> None:
    run = f"Zanzibar{uuid4().hex[:8]}"
    email = f"{run.lower()}@example.org"
    cast.subscriber(email, name="Alice")
    code = _template(is_required=False)
    number = _ask(shop, code, email, run)["id"]
    wait_for(lambda: stage.inbox.to(email), "the message")
    (mail,) = stage.inbox.to(email)
    text = mail.get_body(("plain",))
    assert mail["Subject"] == f"Order {run}" and mail["Auto-Submitted"] == "auto-generated"
    assert text is not None
    assert text.get_content().strip() == f"Dear Alice, see https://shop.example.org/{run}"
    wait_for(lambda: _states(shop, [number])["sent"] == 1, "the answer of the relay")
    for name in stage.processes:
        log = stage.log(name)
        assert run not in log and email not in log, name


def test_a_worker_that_is_killed_doubles_nothing_but_what_the_law_requires(
    stage: Stage, shop: httpx.Client
) -> None:
    run = uuid4().hex[:8]
    emails = [f"buyer{number}-{run}@example.org" for number in range(2 * ORDERS)]
    for email in emails:
        cast.subscriber(email)
    codes = [_template(is_required=False), _template(is_required=True)]

    def slow(_recipient: str) -> str:
        time.sleep(0.05)  # twenty a second: there is something to interrupt
        return "250 2.0.0 kept"

    stage.inbox.answer = slow
    try:
        numbers = {e: _ask(shop, codes[n % 2], e, f"{run}-{n}")["id"] for n, e in enumerate(emails)}
        for part in (1, 2):
            wait_for(lambda n=part: len(_arrived(stage, emails)) >= n * 10, "messages to leave")  # type: ignore[misc]
            stage.kill("worker")
            stage.start("worker")
    finally:
        stage.inbox.answer = lambda _recipient: "250 2.0.0 kept"
    ids = list(numbers.values())
    wait_for(
        lambda: sum(_states(shop, ids)[each] for each in ENDED) == len(ids), "an end", seconds=120
    )
    arrived = Counter(_arrived(stage, emails))
    for number, email in enumerate(emails):
        state = shop.get(f"/api/v1/messages/{numbers[email]}").json()["state"]
        if number % 2:
            assert state == "sent" and arrived[email] >= 1
            assert len({mail["Message-ID"] for mail in stage.inbox.to(email)}) == 1
        else:
            assert arrived[email] == 1 if state == "sent" else arrived[email] <= 1


def _arrived(stage: Stage, emails: list[str]) -> list[str]:
    ours = frozenset(emails)
    return [each for each in stage.inbox.recipients() if each in ours]
