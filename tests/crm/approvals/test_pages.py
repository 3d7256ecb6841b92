"""The pages of approvals: a second person decides, whoever asked does not, and all stays."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from crm.accounts.recovery import ask_reset, reset_second_factor
from crm.approving import how_many_wait_for
from crm.exports.asking import cancel_export
from crm.models import Account, Export
from crm.reading_more import ask_to_read_more
from crm.step_up import CONFIRMED
from privacy.models import Approval
from privacy.services import request_approval, standing_approval
from tests.crm.exports.cast import ask, person
from tests.crm.pages.arrivals import words
from tests.crm.staff import make_account, set_session, signed_in, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
WHAT: dict[str, str | int] = {"days_after_retirement": 8}


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
    assert "taken back meanwhile" in _decide(officer, number)
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
    numbers = {asked(asker, days_after_retirement=day) for day in range(120)}
    Approval.objects.update(decided_by=second, decided_at=datetime.now(UTC), is_approved=True)
    _every_page_of(officer, numbers, "has_more", "next_url")


def test_what_waits_is_paged_and_loses_nobody() -> None:
    asker, officer = make_account("sacha", "dsi"), staff_client("dpo")
    numbers = {asked(asker, days_after_retirement=day) for day in range(120)}
    _every_page_of(officer, numbers, "more_wait", "waiting_next_url")


def _every_page_of(officer: Client, numbers: set[UUID], has_more: str, next_url: str) -> None:
    page, seen = officer.get("/approvals/"), set[str]()
    while True:
        text = page.content.decode()
        seen |= {str(number) for number in numbers if str(number) in text}
        if not page.context[has_more]:
            break
        page = officer.get(page.context[next_url])
    assert seen == {str(number) for number in numbers}


def test_one_s_own_requests_hide_none_of_those_one_decides() -> None:
    sacha = make_account("sacha", "dsi")
    for day in range(101):
        asked(sacha, days_after_retirement=day)
    asked(make_account("robin", "dsi"))
    assert how_many_wait_for(account=sacha, now=datetime.now(UTC)) == 1


def _read_more(reader: Account, asker: Account) -> UUID:
    return ask_to_read_more(account_id=reader.id, actor_id=asker.id, now=datetime.now(UTC))


def test_more_reading_names_the_account_and_its_day() -> None:
    number = _read_more(make_account("mia"), make_account("dominique", "dpo"))
    shown = words(staff_client("dsi").get(f"/approvals/{number}/"))
    assert "Account mia" in shown
    assert f"Day {timezone.localdate().isoformat()}" in shown


@pytest.mark.parametrize("do", ["approve", "refuse"])
def test_whoever_gains_by_it_does_not_decide_it(do: str) -> None:
    sacha = make_account("sacha", "dsi")
    number = _read_more(sacha, make_account("dominique", "dpo"))
    client = signed_in(sacha)
    assert "for your own account" in words(client.get("/approvals/"))
    assert "for your own account" in words(client.get(f"/approvals/{number}/"))
    assert "Waiting for you" not in words(client.get("/")) or not how_many_wait_for(
        account=sacha, now=datetime.now(UTC)
    )
    assert "for your own account" in _decide(client, number, do)
    assert Approval.objects.get(id=number).decided_at is None


def test_a_lost_factor_is_renewed_by_two_people_of_the_pages() -> None:
    mia, admin, now = make_account("mia"), make_account("ada", "administrator"), datetime.now(UTC)
    number = ask_reset(account=mia, requested_by=admin.id, now=now)
    officer = staff_client("dpo")
    shown = words(officer.get(f"/approvals/{number}/"))
    assert "A new second factor" in shown
    assert "Account mia" in shown
    assert "You agreed to it." in _decide(officer, number)
    assert reset_second_factor(account=mia, approval_id=number, now=now)


# --- what stands in tables: exports ------------------------------------------------------------


def _big_export(account: Account, settings: Settings) -> Export:
    settings.EXPORT_ALONE_MAX = 0
    return ask(account, now=datetime.now(UTC))


@pytest.mark.usefixtures("vault")
def test_an_export_that_is_taken_back_is_not_decided(settings: Settings) -> None:
    person("alice")
    export = _big_export(make_account("mia"), settings)
    officer = staff_client("dpo")
    shown = words(officer.get("/approvals/"))
    assert "Channel by e-mail" in shown
    assert "taken back" not in shown
    cancel_export(export_id=export.id, now=datetime.now(UTC))
    assert "It was taken back" in words(officer.get("/approvals/"))
    assert export.approval_id is not None
    assert "It was taken back" in words(officer.get(f"/approvals/{export.approval_id}/"))
    camille = Account.objects.get(username="camille")
    assert how_many_wait_for(account=camille, now=datetime.now(UTC)) == 0
    assert "taken back meanwhile" in _decide(officer, export.approval_id)
    assert Approval.objects.get(id=export.approval_id).decided_at is None


@pytest.mark.usefixtures("vault")
def test_a_full_page_costs_no_more_queries_than_a_short_one(settings: Settings) -> None:
    person("alice")
    mia, officer, dominique = make_account("mia"), staff_client("dpo"), make_account("d", "dpo")

    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as caught:
            assert officer.get("/approvals/").status_code == 200
        return len(caught)

    _big_export(mia, settings)
    _read_more(mia, dominique)
    queries()  # what is remembered from now on
    few = queries()
    for _more in range(8):
        _big_export(mia, settings)
        _read_more(make_account(f"mia{_more}"), dominique)
    assert queries() == few
