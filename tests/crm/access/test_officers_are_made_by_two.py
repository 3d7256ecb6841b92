"""An administrator makes nobody an officer alone, by no act of the directory of accounts."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from crm.accounts import directory, officer_approval
from crm.accounts.officer_approval import AgreementNeeded, ask_agreement
from crm.accounts.register import create_account
from crm.models import Account, AccountEvent
from privacy.models import Approval
from privacy.services import approve, refuse
from tests.conftest import NOW
from tests.crm.pages.arrivals import words
from tests.crm.staff import make_account, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
ADA, DANA = uuid4(), uuid4()
OFFICERS = ("dpo", "dsi", "administrator")
WHO: dict[str, Any] = {"actor_id": ADA, "now": NOW}


def agree(need: AgreementNeeded) -> UUID:
    ask_agreement(need, actor_id=ADA, now=NOW)
    asked = Approval.objects.get(decided_at=None)
    approve(approval_id=asked.id, decided_by=DANA, now=NOW)
    return asked.id


@pytest.mark.parametrize("role", OFFICERS)
def test_an_officer_is_created_by_two(role: str) -> None:
    new: dict[str, Any] = {"username": "x1", "role": role, **WHO}
    with pytest.raises(AgreementNeeded) as refused:
        create_account(**new)
    assert not Account.objects.filter(username="x1").exists()
    agreed = agree(refused.value)
    for other in ({"username": "x2"}, {"role": "dpo" if role != "dpo" else "dsi"}):
        with pytest.raises(AgreementNeeded):
            create_account(**{**new, **other})
    made = create_account(**new).account
    [line] = AccountEvent.objects.filter(account_id=made.id)
    assert line.detail == {"role": role, "approval": str(agreed)}


@pytest.mark.parametrize("role", OFFICERS)
def test_every_way_into_an_officers_account_needs_two(role: str) -> None:
    make_account("other", role)
    one, leaver = make_account("one", role), make_account("leaver", role)
    sam, closed = make_account("sam", "sales"), make_account("closed", role)
    directory.close_account(account_id=closed.id, **WHO)
    Account.objects.filter(id=leaver.id).update(ends_on=NOW.date() - timedelta(days=1))
    acts: list[tuple[Any, Account, dict[str, Any]]] = [
        (directory.change_role, sam, {"role": role}),
        (directory.give_new_password, one, {}),
        (directory.reopen_account, closed, {}),
        (directory.end_account_on, leaver, {"day": None}),
    ]
    for act, account, more in acts:
        before = Account.objects.filter(id=account.id).values().get()
        with pytest.raises(AgreementNeeded) as refused:
            act(account_id=account.id, **more, **WHO)
        assert Account.objects.filter(id=account.id).values().get() == before
        agree(refused.value)
        act(account_id=account.id, **more, **WHO)
    with pytest.raises(AgreementNeeded):  # each agreement was for one time
        directory.give_new_password(account_id=one.id, **WHO)


def test_others_oneself_and_the_command_line_need_nobody() -> None:
    ada, sam = make_account("ada", "administrator"), make_account("sam", "sales")
    now: dict[str, Any] = {"now": NOW}
    directory.change_role(account_id=sam.id, role="marketing", actor_id=ada.id, **now)
    directory.give_new_password(account_id=sam.id, actor_id=ada.id, **now)
    directory.give_new_password(account_id=ada.id, actor_id=ada.id, **now)
    directory.change_role(account_id=sam.id, role="dpo", actor_id=None, **now)
    create_account(username="first", role="dsi", **now)
    assert not Approval.objects.exists()


def test_an_agreement_is_asked_for_once_refused_and_over_in_a_week() -> None:
    new: dict[str, Any] = {"username": "x1", "role": "dpo", **WHO}
    with pytest.raises(AgreementNeeded) as needed:
        create_account(**new)
    for _twice in range(2):
        ask_agreement(needed.value, actor_id=ADA, now=NOW)
    asked = Approval.objects.get()
    refuse(approval_id=asked.id, decided_by=DANA, now=NOW)
    with pytest.raises(AgreementNeeded):
        create_account(**new)
    agree(needed.value)
    late = NOW + officer_approval.DECIDED_WITHIN
    with pytest.raises(AgreementNeeded):
        create_account(**{**new, "now": late})
    assert create_account(**{**new, "now": late - timedelta(seconds=1)})


@pytest.fixture
def ada(settings: Settings) -> Client:
    settings.LANGUAGE_CODE = "en"
    return staff_client("administrator", username="ada")


def test_the_officer_reads_whom_it_makes_and_the_administrator_does_it_again(ada: Client) -> None:
    dana = staff_client("dpo", username="dana")
    given = {"username": "x1", "role": "dsi", "language": "en"}
    said = words(ada.post(reverse("account-new"), given, follow=True))
    assert "must agree first" in said
    assert not Account.objects.filter(username="x1").exists()
    page = reverse("approval", args=[Approval.objects.get().id])
    shown = words(dana.get(page))
    for expected in ("Create an account", "x1", "Information systems", "Agree only if you know"):
        assert expected in shown
    assert "Account of those in charge" in words(dana.get(reverse("approval-list")))
    dana.post(page, {"do": "approve"})
    assert "Password for the first day" in words(ada.post(reverse("account-new"), given))
    assert Account.objects.get(username="x1").role == "dsi"


def test_an_administrator_who_gives_a_role_of_officers_is_told_to_wait(ada: Client) -> None:
    sam = make_account("sam", "sales")
    act = reverse("account-act", args=[sam.id, "role"])
    assert "must agree first" in words(ada.post(act, {"role": "dpo"}, follow=True))
    sam.refresh_from_db()
    assert sam.role == "sales"
    assert Approval.objects.get().reference == {"act": "role", "username": "sam", "role": "dpo"}
