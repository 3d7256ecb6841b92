"""The accounts of staff: their acts, their journal, and the officers who are always there."""

import threading
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.accounts import directory
from crm.accounts.directory import LastOfficer, NoSuchAccount, NotClosed
from crm.accounts.register import NoSuchRole, NotOneself, create_account
from crm.accounts.session_store import row_key
from crm.models import Account, AccountEvent, Role, StaffSession
from tests.conftest import NOW, Connect
from tests.crm.staff import PASSWORD, make_account, signed_in

BOTH = ["default", "vault", "intake"]
pytestmark = pytest.mark.django_db(databases=BOTH)
ADA = uuid4()


def lines(account: Account) -> list[tuple[str, dict[str, str], UUID | None]]:
    rows = AccountEvent.objects.filter(account_id=account.id).order_by("id")
    return [(row.what, row.detail, row.actor_id) for row in rows]


def test_every_act_leaves_a_line_and_the_same_again_leaves_none() -> None:
    made = create_account(username="sam", role="support", now=NOW, actor_id=ADA).account
    day = NOW.date()
    who: dict[str, Any] = {"account_id": made.id, "actor_id": ADA, "now": NOW}
    for _again in range(2):
        directory.change_role(role="sales", **who)
        directory.end_account_on(day=day, **who)
        directory.end_account_on(day=None, **who) if _again else None
        directory.close_account(**who)
        if not _again:
            directory.end_account_on(day=day, **who)
    password = directory.reopen_account(**who)
    other = directory.give_new_password(**who)
    directory.end_sessions(**who)
    assert [what for what, _detail, _actor in lines(made)] == [
        *("created", "role", "ends_on", "closed", "ends_on"),
        *("reopened", "password", "sessions"),
    ]
    assert {actor for _what, _detail, actor in lines(made)} == {ADA}
    assert lines(made)[1][1] == {"before": "support", "after": "sales"}
    kept = str(list(AccountEvent.objects.values()))
    assert password not in kept
    assert other not in kept
    assert Account.objects.get(id=made.id).check_password(other)


def test_nobody_changes_the_role_or_the_end_of_their_own_account() -> None:
    ada = make_account("ada", "administrator")
    who: dict[str, Any] = {"account_id": ada.id, "actor_id": ada.id, "now": NOW}
    with pytest.raises(NotOneself):
        directory.change_role(role="dpo", **who)
    with pytest.raises(NotOneself):
        directory.end_account_on(day=None, **who)
    for act in (directory.close_account, directory.reopen_account):
        with pytest.raises(NotOneself):
            act(**who)
    assert directory.give_new_password(**who)


def test_what_is_not_there_is_said() -> None:
    who: dict[str, Any] = {"actor_id": ADA, "now": NOW}
    with pytest.raises(NoSuchAccount):
        directory.close_account(account_id=uuid4(), **who)
    with pytest.raises(NoSuchRole):
        directory.change_role(account_id=make_account().id, role="king", **who)


@pytest.mark.parametrize("role", ["dpo", "dsi"])
def test_the_last_officer_stays(role: str) -> None:
    last, other = make_account("last", role), make_account("other", role)
    who: dict[str, Any] = {"actor_id": ADA, "now": NOW}
    directory.close_account(account_id=other.id, **who)
    with pytest.raises(LastOfficer):
        directory.close_account(account_id=last.id, **who)
    with pytest.raises(LastOfficer):
        directory.change_role(account_id=last.id, role="sales", **who)
    with pytest.raises(LastOfficer):
        directory.end_account_on(account_id=last.id, day=NOW.date() + timedelta(days=9), **who)
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(id=last.id).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.all().update(is_active=False)
    row = Account.objects.get(id=last.id)
    assert (row.is_active, row.role, row.ends_on) == (True, role, None)
    assert lines(last) == []
    directory.reopen_account(account_id=other.id, actor_id=None, now=NOW)
    directory.close_account(account_id=last.id, **who)


def test_an_open_account_is_not_opened_again() -> None:
    sam, day = make_account("sam"), NOW.date() + timedelta(days=9)
    who: dict[str, Any] = {"account_id": sam.id, "actor_id": ADA, "now": NOW}
    directory.end_account_on(day=day, **who)
    with pytest.raises(NotClosed):
        directory.reopen_account(**who)
    sam.refresh_from_db()
    assert (sam.ends_on, sam.check_password(PASSWORD)) == (day, True)
    directory.close_account(**who)
    directory.reopen_account(**who)
    sam.refresh_from_db()
    assert (sam.is_active, sam.ends_on) == (True, day)
    directory.reopen_account(**{**who, "now": NOW + timedelta(days=11)})
    sam.refresh_from_db()
    assert (sam.is_active, sam.ends_on) == (True, None)
    assert [(what, detail) for what, detail, _actor in lines(sam)] == [
        *(("ends_on", {"day": day.isoformat()}), ("closed", {}), ("reopened", {})),
        *(("reopened", {}), ("ends_on", {"day": ""})),
    ]


def test_one_who_has_a_last_day_does_not_stand_in() -> None:
    last, passing = make_account("last", "dpo"), make_account("passing", "dpo")
    who: dict[str, Any] = {"actor_id": ADA, "now": NOW}
    directory.end_account_on(account_id=passing.id, day=NOW.date() + timedelta(days=90), **who)
    with pytest.raises(LastOfficer):
        directory.close_account(account_id=last.id, **who)


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_two_officers_who_are_closed_at_once_are_not_both_gone() -> None:
    officers = [make_account(name, "dpo") for name in ("dana", "dora")]
    ready, refused = threading.Barrier(2), []

    def close(account: Account) -> None:
        try:
            with transaction.atomic():
                ready.wait()
                directory.close_account(account_id=account.id, actor_id=ADA, now=NOW)
        except LastOfficer:
            refused.append(account)
        finally:
            connections.close_all()

    both = [threading.Thread(target=close, args=[one]) for one in officers]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(refused) == 1
    assert Account.objects.filter(role="dpo", is_active=True).count() == 1


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_the_journal_of_accounts_is_written_once(connect: Connect) -> None:
    create_account(username="sam", role="support", now=NOW)
    for statement in (
        "UPDATE crm_accountevent SET what = 'x'",
        "DELETE FROM crm_accountevent",
        "TRUNCATE crm_accountevent",
    ):
        for role in ("staff", "worker", "owner"):
            with connect(role, "crm") as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement)
    assert AccountEvent.objects.count() == 1


def test_after_the_last_day_there_is_no_sign_in_and_a_session_dies() -> None:
    leaver = make_account("lea")
    client, today = signed_in(leaver), timezone.localdate()
    for day, status in ((today, 200), (today - timedelta(days=1), 302)):
        Account.objects.filter(id=leaver.id).update(ends_on=day)
        assert client.get(reverse("account")).status_code == status
    assert client.get(reverse("account")).headers["Location"].startswith("/sign-in")
    browser = Client()
    browser.post(reverse("sign-in"), {"username": "lea"})
    refused = browser.post(reverse("sign-in-password"), {"password": PASSWORD})
    assert refused.status_code == 200
    Account.objects.filter(id=leaver.id).update(ends_on=today)
    assert browser.post(reverse("sign-in-password"), {"password": PASSWORD}).status_code == 302


def test_sessions_end_of_one_account_alone() -> None:
    sam, tom = make_account("sam"), make_account("tom")
    browsers = [signed_in(sam), signed_in(sam)]
    other = signed_in(tom)
    assert directory.end_sessions(account_id=sam.id, actor_id=ADA, now=NOW) == 2
    assert [one.get(reverse("account")).status_code for one in browsers] == [302, 302]
    assert other.get(reverse("account")).status_code == 200
    key = row_key(str(other.session.session_key))
    assert StaffSession.objects.filter(session_key=key).exists()


def test_another_role_begins_with_another_session() -> None:
    sam = make_account("sam", "sales")
    client = signed_in(sam)
    directory.change_role(account_id=sam.id, role="marketing", actor_id=ADA, now=NOW)
    assert client.get(reverse("account")).status_code == 302


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("account", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_uses_the_same_verbs_in_nobodys_name() -> None:
    command("create", "dana", "--role", "dpo")
    for refused in ("close dana", "role dana sales", "ends-on dana 2030-01-31"):
        with pytest.raises(CommandError, match="Somebody must always hold this role"):
            command(*refused.split())
    command("create", "sam", "--role", "support")
    command("role", "sam", "sales")
    command("ends-on", "sam", "2030-01-31")
    assert "sam                      sales            open until 2030-01-31" in command("list")
    command("end-sessions", "sam")
    command("close", "sam")
    assert "Password:" in command("reopen", "sam")
    sam = Account.objects.get(username="sam")
    assert [what for what, _detail, _actor in lines(sam)] == [
        *("created", "role", "ends_on", "sessions", "closed", "reopened"),
    ]
    assert {actor for _what, _detail, actor in lines(sam)} == {None}
    with pytest.raises(CommandError, match="no account"):
        command("close", "nobody")
    assert sam.role == Role.SALES
