"""An account that is in two places at once is reported; one person at two places in turn is not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from crm.accounts.circumstances import Circumstances
from crm.accounts.sharing import shared_accounts
from crm.accounts.sign_ins import record_sign_in
from crm.models import Account, SecurityEvent, SignIn
from tests.crm.staff import make_account, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OFFICE, VPN = "office", "vpn"


def used(
    account: Account, start: int, end: int, network: str = OFFICE, browser: str = "firefox"
) -> None:
    """In use between two minutes of the morning."""
    seen = Circumstances("", "", network_print=network, browser_print=browser)
    morning = NOW - timedelta(hours=4)
    made = record_sign_in(
        account=account, factor="code", circumstances=seen, now=morning + timedelta(minutes=start)
    )
    SignIn.objects.filter(pk=made).update(seen_at=morning + timedelta(minutes=end))


def found() -> dict[str, tuple[int, int, int]]:
    return {
        each.username: (each.in_two_networks, each.in_two_browsers, each.network_changes)
        for each in shared_accounts(now=NOW)
    }


def test_two_networks_at_once_are_two_people() -> None:
    account = make_account()
    used(account, 0, 60, OFFICE)
    used(account, 30, 90, VPN)
    assert found() == {"camille": (1, 0, 0)}


def test_two_browsers_at_once_are_a_weaker_sign() -> None:
    account = make_account()
    used(account, 0, 60)
    used(account, 59, 90, OFFICE, "chrome")
    assert found() == {"camille": (0, 1, 0)}


def test_one_place_after_the_other_is_nothing() -> None:
    account = make_account()
    used(account, 0, 60, OFFICE)
    used(account, 60, 90, VPN)
    used(account, 95, 99, OFFICE)
    assert found() == {}


def test_the_same_browser_twice_is_nothing() -> None:
    account = make_account()
    used(account, 0, 60)
    used(account, 30, 90)
    assert found() == {}


def test_two_people_with_an_account_each_are_nothing() -> None:
    used(make_account("robin"), 0, 60, OFFICE)
    used(make_account(), 0, 60, VPN)
    assert found() == {}


def test_the_plainest_comes_first_and_a_month_ago_is_over() -> None:
    often, once, past = make_account("often"), make_account("once"), make_account("past")
    for network in (OFFICE, VPN, "hotel"):
        used(often, 0, 60, network)
    used(once, 0, 60, OFFICE)
    used(once, 0, 60, VPN)
    used(past, 0, 60, OFFICE)
    used(past, 0, 60, VPN)
    SignIn.objects.filter(account=past).update(began_at=NOW - timedelta(days=31))
    assert list(found().items()) == [("often", (3, 0, 0)), ("once", (1, 0, 0))]


def test_a_session_that_goes_back_and_forth_is_reported() -> None:
    account = make_account()
    for number in range(10):
        assert found() == {}
        SecurityEvent.objects.create(
            id=f"0199c0de-0000-7000-8000-{number:012}",
            at=NOW - timedelta(minutes=number),
            kind="network_changed",
            account_id=account.pk,
        )
    assert found() == {"camille": (0, 0, 10)}


def test_the_page_and_the_command_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    account = make_account("shared-one")
    used(account, 0, 60, OFFICE)
    used(account, 30, 90, VPN)
    SignIn.objects.update(began_at=timezone.now() - timedelta(hours=1), seen_at=timezone.now())
    call_command("account", "report")
    assert "shared-one" in capsys.readouterr().out
    page = staff_client("dsi", username="watcher").get(reverse("shared-accounts"))
    assert b"shared-one" in page.content
