"""Before what cannot be undone the second factor is shown again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.access import staff_page
from crm.accounts.second_factor import Secret
from crm.step_up import CONFIRMED, STEP_UP_LIFE
from tests.crm.staff import code_now, set_session, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@staff_page(needs_step_up=True)
def dangerous(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def _asked_by(client: Client) -> HttpResponse:
    """What the page answers this browser, past the middleware that knows its account."""
    seen = client.get(reverse("account")).wsgi_request
    request = RequestFactory().get("/dangerous")
    request.session, request.user = client.session, seen.user
    answer = dangerous(request)
    assert isinstance(answer, HttpResponse)
    return answer


def _age(client: Client, age: timedelta) -> None:
    set_session(client, **{CONFIRMED: (datetime.now(UTC) - age).timestamp()})


def test_a_sign_in_counts_for_ten_minutes() -> None:
    client = staff_client()
    assert _asked_by(client).content == b"done"
    _age(client, STEP_UP_LIFE + timedelta(seconds=1))
    answer = _asked_by(client)
    assert answer.headers["Location"] == "/account/confirm?next=%2Fdangerous"


def test_a_code_opens_the_page_again_and_leads_back() -> None:
    client = staff_client()
    _age(client, timedelta(hours=1))
    secret = Secret(TOTPDevice.objects.get().key)
    answer = client.post("/account/confirm?next=/account/", {"code": code_now(secret)})
    assert answer.headers["Location"] == "/account/"
    assert _asked_by(client).content == b"done"


def test_a_wrong_code_opens_nothing_and_the_way_back_stays_ours() -> None:
    client = staff_client()
    _age(client, timedelta(hours=1))
    answer = client.post("/account/confirm?next=/account/", {"code": "000000"})
    assert answer.status_code == 200
    assert _asked_by(client).status_code == 302
    secret = Secret(TOTPDevice.objects.get().key)
    TOTPDevice.objects.update(throttling_failure_count=0)
    answer = client.post("/account/confirm?next=//evil.example/", {"code": code_now(secret)})
    assert answer.headers["Location"] == "/"


def test_a_session_from_before_knows_no_confirmation() -> None:
    client = staff_client()
    set_session(client, **{CONFIRMED: 0.0})
    assert _asked_by(client).status_code == 302
