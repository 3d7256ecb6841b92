"""A session ends: when idle, in any case after a day's work, and with its account."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.accounts import directory
from crm.accounts.sessions import HALF_WAY_LIMIT, IDLE_LIMIT, SEEN, STARTED
from crm.models import Account
from tests.conftest import NOW
from tests.crm.staff import PASSWORD, half_signed_in, make_account, set_session, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


def _is_in(client: Client) -> bool:
    return bool(client.get(reverse("home")).status_code == 200)


def _age(client: Client, *, started: float, seen: float) -> None:
    moment = timezone.now().timestamp()
    set_session(client, **{STARTED: moment - started, SEEN: moment - seen})


def test_a_session_in_use_goes_on(account: Account) -> None:
    client = signed_in(account)
    _age(client, started=8 * 3600, seen=IDLE_LIMIT.total_seconds() - 5)
    assert _is_in(client)
    assert timezone.now().timestamp() - client.session[SEEN] < 5


def test_an_idle_session_ends(account: Account) -> None:
    client = signed_in(account)
    _age(client, started=3600, seen=IDLE_LIMIT.total_seconds() + 1)
    assert not _is_in(client)
    assert STARTED not in client.session


def test_no_session_outlives_the_working_day(account: Account) -> None:
    client = signed_in(account)
    _age(client, started=12 * 3600 + 1, seen=1)
    assert not _is_in(client)


def test_a_session_without_its_dates_is_over(account: Account) -> None:
    client = signed_in(account)
    session = client.session
    del session[STARTED]
    session.save()
    assert not _is_in(client)


def test_a_password_without_its_code_is_soon_forgotten(account: Account) -> None:
    client = half_signed_in(account)
    _age(client, started=HALF_WAY_LIMIT.total_seconds() + 1, seen=1)
    assert client.get(reverse("home")).headers["Location"] == reverse("sign-in")


def test_a_closed_account_loses_its_session_with_the_next_request(account: Account) -> None:
    client = signed_in(account)
    assert _is_in(client)
    directory.close_account(account_id=account.id, actor_id=None, now=NOW)
    assert not _is_in(client)
    Account.objects.update(is_active=True)
    assert not _is_in(client)


def test_a_new_password_ends_the_other_sessions_only(account: Account) -> None:
    here, elsewhere = signed_in(account), signed_in(account)
    new = "an entirely different phrase"
    fields = {"current": PASSWORD, "new": new, "again": new}
    response = here.post(reverse("change-password"), fields)
    assert response.headers["Location"] == reverse("account")
    assert _is_in(here)
    assert not _is_in(elsewhere)


def test_a_wrong_current_password_changes_nothing(account: Account) -> None:
    client = signed_in(account)
    new = "an entirely different phrase"
    client.post(reverse("change-password"), {"current": "no", "new": new, "again": new})
    assert Account.objects.get().check_password(PASSWORD)


def test_a_password_of_one_day_opens_only_the_page_that_changes_it(account: Account) -> None:
    client = signed_in(account)
    Account.objects.update(must_change_password=True)
    assert client.get(reverse("home")).headers["Location"] == reverse("change-password")
    assert client.get(reverse("change-password")).status_code == 200


def test_reopening_an_account_keeps_its_second_factor_needed(account: Account) -> None:
    signed_in(account)
    directory.close_account(account_id=account.id, actor_id=None, now=NOW)
    password = directory.reopen_account(account_id=account.id, actor_id=None, now=NOW)
    client = Client()
    client.post(reverse("sign-in"), {"username": account.username})
    response = client.post(reverse("sign-in-password"), {"password": password})
    assert response.headers["Location"] == reverse("sign-in-code")
