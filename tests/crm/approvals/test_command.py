"""The command of approvals proves the person at the prompt before it shows or does anything."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.accounts.second_factor import keep_authenticator, new_secret
from crm.management.commands.approvals import Command
from crm.models import Account
from privacy.models import Approval
from tests.crm.staff import PASSWORD, code_now, make_account

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


class Person:
    """Somebody at a terminal, who types a name, a password and the code of their telephone."""

    def __init__(self, username: str, role: str) -> None:
        self.account: Account = make_account(username, role)
        self.secret = new_secret()
        keep_authenticator(account=self.account, secret=self.secret)
        self.used = 0

    def types(self, *words: str, password: str = PASSWORD, code: str = "") -> str:
        # A code is accepted once: the next act has the code of another thirty seconds.
        secrets: Iterator[str] = iter([password, code or code_now(self.secret, steps=self.used)])
        self.used += 1 if not code else 0
        said = StringIO()
        command = Command(
            read_line=lambda _prompt: self.account.username,
            read_secret=lambda _prompt: next(secrets),
            stdout=said,
        )
        call_command(command, *words)
        return said.getvalue()


def test_one_asks_and_another_agrees() -> None:
    sacha, dominique = Person("sacha", "dsi"), Person("dominique", "dpo")
    said = sacha.types("request", "key_destruction", "epoch=7", "reason=key_lost")
    number = said.split()[-1]
    shown = dominique.types("list")
    assert "Destroy the key of epoch 7" in shown
    assert number in shown
    assert dominique.types("approve", number) == "Agreed.\n"
    row = Approval.objects.get()
    assert row.reference == {"epoch": 7, "reason": "key_lost"}
    assert (row.requested_by, row.decided_by) == (sacha.account.id, dominique.account.id)
    assert row.is_approved


def test_whoever_asked_cannot_agree_and_is_told() -> None:
    sacha = Person("sacha", "dsi")
    number = sacha.types("request", "key_schedule", "days=8").split()[-1]
    with pytest.raises(CommandError, match="needs another person"):
        sacha.types("approve", number)
    assert Approval.objects.get().decided_at is None


@pytest.mark.parametrize(
    "wrong", [{"password": "not the password at all"}, {"code": "000000"}], ids=["password", "code"]
)
def test_a_person_who_is_not_proven_does_nothing(wrong: dict[str, str]) -> None:
    sacha = Person("sacha", "dsi")
    with pytest.raises(CommandError, match="Name, password or code is not right"):
        sacha.types("request", "key_schedule", "days=8", **wrong)
    assert not Approval.objects.exists()


def test_many_wrong_passwords_lock_as_on_the_pages() -> None:
    sacha = Person("sacha", "dsi")
    for _attempt in range(6):
        with pytest.raises(CommandError):
            sacha.types("list", password="wrong")
    with pytest.raises(CommandError, match="wait"):
        sacha.types("list")


def test_a_closed_account_and_another_role_do_nothing() -> None:
    Account.objects.filter(id=(closed := Person("closed", "dpo")).account.id).update(
        is_active=False
    )
    with pytest.raises(CommandError, match="not right"):
        closed.types("list")
    with pytest.raises(CommandError, match="another role"):
        Person("mia", "marketing").types("request", "key_schedule", "days=8")
    number = Person("sacha", "dsi").types("request", "key_schedule", "days=8").split()[-1]
    with pytest.raises(CommandError, match="no such request"):
        Person("max", "marketing").types("approve", number)


@pytest.mark.parametrize(
    "what",
    [
        ["epoch=seven", "reason=key_lost"],
        ["epoch=7", "reason=Alice Martin has left"],
        ["epoch=7"],
        ["epoch=7", "reason=key_lost", "more=1"],
        ["seven"],
    ],
)
def test_what_is_not_a_whole_question_is_not_asked(what: list[str]) -> None:
    with pytest.raises(CommandError):
        Person("sacha", "dsi").types("request", "key_destruction", *what)
    assert not Approval.objects.exists()


def test_an_export_is_not_asked_for_here() -> None:
    with pytest.raises(CommandError, match="cannot be asked for here"):
        Person("mia", "marketing").types("request", "export", "rows=5")
