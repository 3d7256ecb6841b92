"""The pages of approvals: a second person decides, whoever asked does not, and all stays."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from crm.models import Account
from crm.step_up import CONFIRMED
from privacy.models import Approval
from privacy.services import request_approval, standing_approval
from tests.crm.pages.arrivals import words
from tests.crm.staff import make_account, set_session, signed_in, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
WHAT: dict[str, str | int] = {"days": 8}


def asked(by: Account, *, kind: str = "key_schedule", **more: int) -> UUID:
    now = datetime.now(UTC)
    return request_approval(
        kind=kind,
        reference={**WHAT, **more} if kind == "key_schedule" else {"rows": 5},
        requested_by=by.id,
        now=now,
        expires_at=now + timedelta(days=1),
    )


def _decide(client: Client, number: UUID, do: str = "approve") -> str:
    answer = client.post(f"/approvals/{number}/", {"do": do}, follow=True)
    assert answer.status_code == 200
    return words(answer)


def test_another_person_reads_what_it_is_and_agrees() -> None:
    asker = make_account("sacha", "dsi")
    number = asked(asker)
    officer = staff_client("dpo")
    assert "Waiting for you" in words(officer.get("/"))
    shown = words(officer.get(f"/approvals/{number}/"))
    assert "Destroy every retired key 8 days after its retirement" in shown
    assert "Asked by sacha" in shown
    assert "You agreed to it." in _decide(officer, number)
    now = datetime.now(UTC)
    assert standing_approval(kind="key_schedule", reference=WHAT, now=now) == number
    row = Approval.objects.get(id=number)
    assert (row.decided_by, row.is_approved) == (Account.objects.get(username="camille").id, True)


def test_whoever_asked_sees_that_they_cannot_decide() -> None:
    asker = make_account("sacha", "dsi")
    number = asked(asker)
    client = signed_in(asker)
    page = client.get("/approvals/")
    assert "another person decides it" in words(page)
    assert f"/approvals/{number}/" not in page.content.decode()
    assert "Agree" not in words(client.get(f"/approvals/{number}/"))
    assert "another person decides it" in _decide(client, number)
    assert Approval.objects.get(id=number).decided_at is None


def test_a_refusal_stays_and_can_be_read() -> None:
    number = asked(make_account("sacha", "dsi"))
    officer = staff_client("dpo")
    assert "It is refused." in _decide(officer, number, "refuse")
    assert "Refused" in words(officer.get("/approvals/"))
    assert "Refused" in words(officer.get(f"/approvals/{number}/"))
    assert "decided meanwhile" in _decide(officer, number)
    assert Approval.objects.get(id=number).is_approved is False


def test_the_second_factor_is_shown_again_before_a_decision() -> None:
    number = asked(make_account("sacha", "dsi"))
    officer = staff_client("dpo")
    set_session(officer, **{CONFIRMED: time.time() - 3600})
    for answer in (
        officer.get(f"/approvals/{number}/"),
        officer.post(f"/approvals/{number}/", {"do": "approve"}),
    ):
        assert answer.headers["Location"].startswith("/account/confirm?next=%2Fapprovals%2F")
    assert Approval.objects.get(id=number).decided_at is None


@pytest.mark.parametrize("role", ["marketing", "support", "operations"])
def test_other_roles_meet_no_approvals(role: str) -> None:
    number = asked(make_account("sacha", "dsi"))
    client = staff_client(role)
    assert client.get("/approvals/").status_code == 403
    assert client.post(f"/approvals/{number}/", {"do": "approve"}).status_code == 403
    assert "Approvals" not in words(client.get("/"))


def test_a_kind_that_a_role_does_not_decide_is_not_shown_to_it() -> None:
    number = asked(make_account("sacha", "marketing"), kind="export")
    client = staff_client("dsi")
    assert "Nothing waits" in words(client.get("/approvals/"))
    assert client.post(f"/approvals/{number}/", {"do": "approve"}).status_code == 404
    assert Approval.objects.get(id=number).decided_at is None


def test_what_nobody_decided_in_time_is_history() -> None:
    now = datetime.now(UTC)
    request_approval(
        kind="key_schedule",
        reference=WHAT,
        requested_by=make_account("sacha", "dsi").id,
        now=now - timedelta(days=3),
        expires_at=now - timedelta(days=1),
    )
    shown = words(staff_client("dpo").get("/approvals/"))
    assert "Nothing waits" in shown
    assert "Nobody decided in time" in shown


def test_the_history_is_paged_and_loses_nobody() -> None:
    asker, officer = make_account("sacha", "dsi"), staff_client("dpo")
    second = Account.objects.get(username="camille").id
    numbers = {asked(asker, days=day) for day in range(120)}
    Approval.objects.update(decided_by=second, decided_at=datetime.now(UTC), is_approved=True)
    page, seen = officer.get("/approvals/"), set[str]()
    while True:
        text = page.content.decode()
        seen |= {str(number) for number in numbers if str(number) in text}
        if page.context is None or not page.context["has_more"]:
            break
        page = officer.get(page.context["next_url"])
    assert seen == {str(number) for number in numbers}
