"""The administrator's pages: what is shown, asked and refused on them."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from crm.models import Account
from crm.pages.account_acts import ACTS
from crm.step_up import CONFIRMED
from tests.crm.pages.arrivals import soup, unlabelled, words
from tests.crm.staff import make_account, set_session, staff_client

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
    done = ada.post(act(sam, name), {"role": "sales", "day": "2030-01-31"}, follow=True)
    assert done.status_code == 200


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
