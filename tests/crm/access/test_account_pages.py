"""The administrator's pages: what is shown, asked and refused on them."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crm.accounts import recovery, tokens
from crm.models import Account, AccountEvent
from crm.pages.account_acts import ACTS
from crm.pages.labels import ACCOUNT_EVENTS
from crm.step_up import CONFIRMED
from privacy.models import Approval
from privacy.services import approve
from tests.crm.pages.arrivals import soup, unlabelled, words
from tests.crm.staff import close_account, make_account, set_session, signed_in, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture
def ada(settings: Settings) -> Client:
    settings.LANGUAGE_CODE = "en"
    return staff_client("administrator", username="ada")


def act(account: Account, name: str) -> str:
    return reverse("account-act", args=[account.id, name])


def test_a_new_account_gets_a_password_that_is_shown_once(ada: Client) -> None:
    assert unlabelled(soup(ada.get(reverse("account-new")))) == []
    given = {"username": "sam", "role": "support", "language": "en"}
    said = words(ada.post(reverse("account-new"), given))
    found = re.search(r"\b[a-z2-9]{4}(-[a-z2-9]{4}){4}\b", said)
    assert found is not None
    sam = Account.objects.get(username="sam")
    assert sam.check_password(found[0])
    assert sam.must_change_password
    page = words(ada.get(reverse("account-page", args=[sam.id])))
    assert "Created Customer service ada" in page
    assert found[0] not in page
    again = ada.post(reverse("account-new"), given)
    assert again.status_code == 422
    assert "There is an account of that name already." in words(again)


@pytest.mark.parametrize("name", ["Sam Dupont", "sam@example.org", "s", "-sam"])
def test_a_username_is_a_pseudonym_of_small_letters(ada: Client, name: str) -> None:
    response = ada.post(
        reverse("account-new"), {"username": name, "role": "sales", "language": "fr"}
    )
    assert response.status_code == 422
    assert Account.objects.count() == 1


def test_every_act_needs_the_second_factor_again(ada: Client) -> None:
    sam = make_account("sam")
    set_session(ada, **{CONFIRMED: 0.0})
    for url in (reverse("account-new"), *(act(sam, name) for name in ACTS)):
        for response in (ada.get(url), ada.post(url, {"role": "dpo"})):
            assert response.headers["Location"].startswith("/account/confirm?next=")
    assert Account.objects.get(id=sam.id).role == "marketing"


@pytest.mark.parametrize("name", sorted(ACTS))
def test_every_act_has_a_page_that_says_what_follows(ada: Client, name: str) -> None:
    sam = make_account("sam")
    page = ada.get(act(sam, name))
    assert str(ACTS[name].text) in words(page)
    assert unlabelled(soup(page)) == []
    if name == "reopen":
        close_account("sam")
    if name == "factor-renew":
        asked = recovery.ask_reset(account=sam, requested_by=uuid4(), now=timezone.now())
        approve(approval_id=asked, decided_by=uuid4(), now=timezone.now())
    done = ada.post(act(sam, name), {"role": "sales", "day": "2030-01-31"}, follow=True)
    assert done.status_code == 200
    lines = AccountEvent.objects.filter(account_id=sam.id).values_list("what", flat=True)
    assert set(lines) <= ACCOUNT_EVENTS.keys()
    assert lines


def test_a_lost_factor_is_asked_for_agreed_to_and_renewed_on_the_pages(ada: Client) -> None:
    sam, dana = make_account("sam", "sales"), make_account("dana", "dpo")
    signed_in(sam)
    page = reverse("account-page", args=[sam.id])
    early = ada.post(act(sam, "factor-renew"))
    assert early.status_code == 422
    assert "Nobody has agreed to this" in words(early)
    assert "Ask for a new second factor" in words(ada.get(page))
    said = words(ada.post(act(sam, "factor-ask"), follow=True))
    assert "Renew it here once another person has agreed" in said
    assert "asked for already" in words(ada.post(act(sam, "factor-ask")))
    asked = Approval.objects.get()
    approve(approval_id=asked.id, decided_by=dana.id, now=timezone.now())
    assert "Renew the second factor, agreed by dana" in words(ada.get(page))
    key = re.search(r"\b[A-Z2-9]{4}(-[A-Z2-9]{4}){5}\b", words(ada.post(act(sam, "factor-renew"))))
    assert key is not None
    assert recovery.is_right_key(account=sam, key=key[0], now=timezone.now())
    after = words(ada.get(page))
    assert "Second factor renewed ada" in after
    assert "New second factor asked for ada" in after
    assert key[0] not in after
    refused = ada.post(act(sam, "password"))
    assert refused.status_code == 422
    assert "Until then the password stays" in words(refused)
    assert ada.post(act(sam, "factor-renew")).status_code == 422


def test_an_act_that_does_not_fit_is_refused_with_words(ada: Client) -> None:
    sam = make_account("sam")
    assert "This account is open" in words(ada.post(act(sam, "reopen")))
    Account.objects.filter(id=sam.id).update(must_change_password=True)
    assert "not changed yet" in words(ada.post(act(sam, "factor-ask")))
    close_account("sam")
    assert "This account is closed" in words(ada.post(act(sam, "factor-ask")))
    mine = Account.objects.get(username="ada")
    assert "ask another one" in words(ada.post(act(mine, "factor-ask")))


def test_the_tokens_of_an_account_are_seen_and_revoked(ada: Client) -> None:
    sam, now = make_account("sam", "sales"), timezone.now()
    tokens.make_token(
        account=sam,
        name="nightly",
        scopes=["proofs:read"],
        networks=["127.0.0.1/32"],
        expires_at=now + timedelta(days=30),
        now=now,
    )
    page = reverse("account-page", args=[sam.id])
    assert "nightly proofs:read" in words(ada.get(page))
    assert "nightly" not in words(staff_client("dsi", username="theo").get(page))
    after = words(ada.post(act(sam, "tokens"), follow=True))
    assert "nightly" not in after
    assert "All tokens revoked ada" in after
    assert not tokens.living_tokens(account=sam, now=timezone.now()).exists()


def test_the_acts_do_what_they_say(ada: Client) -> None:
    sam = make_account("sam")
    ada.post(act(sam, "role"), {"role": "sales"})
    ada.post(act(sam, "end"), {"day": "2030-01-31"})
    sam.refresh_from_db()
    assert (sam.role, str(sam.ends_on)) == ("sales", "2030-01-31")
    ada.post(act(sam, "close"))
    sam.refresh_from_db()
    assert not sam.is_active
    assert "Password for the first day" in words(ada.post(act(sam, "reopen")))
    page = words(ada.get(reverse("account-page", args=[sam.id])))
    assert "Another role Marketing → Sales ada" in page
    assert "Last day 2030-01-31 ada" in page


def test_a_day_that_is_over_is_refused(ada: Client) -> None:
    response = ada.post(act(make_account("sam"), "end"), {"day": "2020-01-31"})
    assert response.status_code == 422
    assert "This day is over" in words(response)


def test_the_last_officer_and_oneself_are_refused_with_words(ada: Client) -> None:
    dana = make_account("dana", "dpo")
    for name, more in (("close", {}), ("role", {"role": "sales"}), ("end", {"day": "2030-01-31"})):
        response = ada.post(act(dana, name), more)
        assert response.status_code == 422
        assert "Somebody must always hold this role" in words(response)
    mine = Account.objects.get(username="ada")
    response = ada.post(act(mine, "role"), {"role": "dpo"})
    assert response.status_code == 422
    assert "ask another one" in words(response)
    own = soup(ada.get(reverse("account-page", args=[mine.id])))
    assert own.find("a", href=act(mine, "role")) is None


@pytest.mark.parametrize("role", ["dpo", "dsi"])
def test_those_in_charge_see_accounts_and_change_none(role: str) -> None:
    sam = make_account("sam")
    client = staff_client(role, username="dana")
    assert "sam" in words(client.get(reverse("account-list")))
    page = soup(client.get(reverse("account-page", args=[sam.id])))
    assert page.find("a", href=act(sam, "close")) is None
    readings = page.find("a", href=reverse("account-readings", args=[sam.id]))
    assert (readings is not None) == (role == "dpo")


def test_the_list_is_paged(ada: Client) -> None:
    for number in range(50):
        make_account(f"sam{number}")
    first = soup(ada.get(reverse("account-list")))
    following = first.select_one("a[rel=next]")
    assert len(first.select("tbody tr")) == 50
    assert following is not None
    assert len(soup(ada.get(str(following["href"]))).select("tbody tr")) == 1
