"""The command of approvals proves the person at the prompt before it shows or does anything."""

import ipaddress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from crm.accounts.known_browsers import FAILURES
from crm.accounts.recovery import ask_reset
from crm.accounts.second_factor import issue_recovery_codes
from crm.models import Account, SecurityEvent
from privacy.models import Approval
from tests.crm.staff import close_account
from tests.crm.terminal import Person

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def test_one_asks_and_another_agrees() -> None:
    sacha, dominique = Person("sacha", "dsi"), Person("dominique", "dpo")
    said = sacha.types("request", "key_destruction", "epoch=7")
    number = said.split()[-1]
    shown = dominique.types("list")
    assert "Destroy the key of epoch 7" in shown
    assert number in shown
    assert dominique.types("approve", number) == "Agreed.\n"
    row = Approval.objects.get()
    assert row.reference == {"epoch": 7}
    assert (row.requested_by, row.decided_by) == (sacha.account.id, dominique.account.id)
    assert row.is_approved


def test_whoever_asked_cannot_agree_and_is_told() -> None:
    sacha = Person("sacha", "dsi")
    number = sacha.types("request", "key_schedule", "days_after_retirement=8").split()[-1]
    with pytest.raises(CommandError, match="needs another person"):
        sacha.types("approve", number)
    assert Approval.objects.get().decided_at is None


@pytest.mark.parametrize(
    "wrong", [{"password": "not the password at all"}, {"code": "000000"}], ids=["password", "code"]
)
def test_a_person_who_is_not_proven_does_nothing(wrong: dict[str, str]) -> None:
    sacha = Person("sacha", "dsi")
    with pytest.raises(CommandError, match="Name, password or code is not right"):
        sacha.types("request", "key_schedule", "days_after_retirement=8", **wrong)
    assert not Approval.objects.exists()


def test_many_wrong_passwords_lock_as_on_the_pages() -> None:
    sacha = Person("sacha", "dsi")
    for _attempt in range(6):
        with pytest.raises(CommandError):
            sacha.types("list", password="wrong")
    with pytest.raises(CommandError, match="wait"):
        sacha.types("list")


def test_terminals_are_counted_though_the_machine_s_own_address_is_a_proxy(
    settings: Settings,
) -> None:
    settings.STAFF_PROXIES = [ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1")]
    sacha = Person("sacha", "dsi")
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        with pytest.raises(CommandError):
            sacha.types("list", password="wrong")
    with pytest.raises(CommandError):
        sacha.types("list")
    kinds = list(SecurityEvent.objects.order_by("at", "id").values_list("kind", flat=True))
    assert kinds.count("brute_force") == 1
    assert kinds.count("wrong_password") == settings.AXES_FAILURE_LIMIT - 1
    assert set(SecurityEvent.objects.values_list("account_id", flat=True)) == {sacha.account.id}


def test_slow_guessing_holds_terminals_back_too() -> None:
    sacha = Person("sacha", "dsi")
    assert sacha.types("list") == "Nothing waits.\n"
    name = sacha.refused("list").name_print
    first = SecurityEvent.objects.get()
    SecurityEvent.objects.bulk_create(
        SecurityEvent(id=uuid4(), kind="wrong_password", at=first.at, name_print=name)
        for _attempt in range(FAILURES - 1)
    )
    with pytest.raises(CommandError):
        sacha.types("list")


def test_a_recovery_code_at_the_terminal_is_seen() -> None:
    sacha = Person("sacha", "dsi")
    code = issue_recovery_codes(account=sacha.account, now=datetime.now(UTC))[0]
    assert sacha.types("list", code=code) == "Nothing waits.\n"
    assert SecurityEvent.objects.get(kind="recovery_code_used").account_id == sacha.account.id


def test_nobody_acts_after_the_last_day_or_before_a_password_of_their_own() -> None:
    leaver, fresh = Person("leaver", "dsi"), Person("fresh", "dsi")
    yesterday = timezone.localdate() - timedelta(days=1)
    Account.objects.filter(id=leaver.account.id).update(ends_on=yesterday)
    Account.objects.filter(id=fresh.account.id).update(must_change_password=True)
    for person in (leaver, fresh):
        with pytest.raises(CommandError, match="not right"):
            person.types("request", "key_destruction", "epoch=7")
    assert not Approval.objects.exists()


def test_whom_it_is_for_does_not_decide_it() -> None:
    now, admin = datetime.now(UTC), Person("ada", "administrator")
    sacha, dominique = Person("sacha", "dsi"), Person("dominique", "dpo")
    number = str(ask_reset(account=sacha.account, requested_by=admin.account.id, now=now))
    assert "Another person decides this" in sacha.types("list")
    with pytest.raises(CommandError, match="your own account"):
        sacha.types("approve", number)
    assert "Account: sacha" in dominique.types("list")
    assert dominique.types("approve", number) == "Agreed.\n"


def test_a_closed_account_and_another_role_do_nothing() -> None:
    Person("dominique", "dpo")  # there is always one
    closed = Person("closed", "dpo")
    close_account("closed")
    with pytest.raises(CommandError, match="not right"):
        closed.types("list")
    with pytest.raises(CommandError, match="another role"):
        Person("mia", "marketing").types("request", "key_schedule", "days_after_retirement=8")
    said = Person("sacha", "dsi").types("request", "key_destruction", "epoch=7")
    with pytest.raises(CommandError, match="no such request"):
        Person("max", "marketing").types("approve", said.split()[-1])


@pytest.mark.parametrize(
    "what",
    [
        ["epoch=seven"],
        ["epoch=7", "reason=Alice Martin has left"],
        ["epoch=7", "more=1"],
        ["more=1"],
        ["seven"],
    ],
)
def test_what_is_not_a_whole_question_is_not_asked(what: list[str]) -> None:
    with pytest.raises(CommandError):
        Person("sacha", "dsi").types("request", "key_destruction", *what)
    assert not Approval.objects.exists()


def test_no_schedule_is_agreed_to_that_nothing_goes_by() -> None:
    with pytest.raises(CommandError, match="can only be 8"):
        Person("sacha", "dsi").types("request", "key_schedule", "days_after_retirement=9")


def test_an_export_is_not_asked_for_here() -> None:
    with pytest.raises(CommandError, match="cannot be asked for here"):
        Person("mia", "marketing").types("request", "export", "rows=5")
