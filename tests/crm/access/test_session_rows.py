"""What the database knows of a session, and what a browser can do with an old or foreign cookie."""

import ipaddress
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crm.accounts.circumstances import Circumstances, circumstances_of
from crm.accounts.second_factor import keep_authenticator, new_secret
from crm.accounts.session_store import NETWORK, SEEN, STARTED, SessionStore, row_key
from crm.accounts.sessions import HALF_WAY_LIMIT, IDLE_LIMIT, SessionEnded, is_over, while_open
from crm.accounts.sign_ins import KEPT, end_sessions, forget_sign_ins, record_sign_in
from crm.models import Account, SecurityEvent, SignIn, StaffSession
from crm.step_up import CONFIRMED
from tests.crm.staff import (
    PASSWORD,
    close_account,
    code_now,
    half_signed_in,
    make_account,
    set_session,
    signed_in,
)

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def account() -> Account:
    return make_account()


def _is_in(client: Client) -> bool:
    return bool(client.get(reverse("home")).status_code == 200)


def _key(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def _with(key: str) -> Client:
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = key
    return client


def _everything() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(s)::text FROM crm_staffsession s")
        return json.dumps(cursor.fetchall())


def test_a_row_holds_neither_the_name_that_was_typed_nor_the_key_of_the_cookie() -> None:
    client = Client()
    client.post(reverse("sign-in"), {"username": "camille-of-nowhere"})
    assert client.session["sign_in_username"] == "camille-of-nowhere"
    rows = _everything()
    assert "camille" not in rows
    assert _key(client) not in rows
    assert StaffSession.objects.get().session_key == row_key(_key(client))


def test_a_row_that_was_read_out_of_the_database_opens_no_session(account: Account) -> None:
    signed_in(account)
    stolen = StaffSession.objects.get().session_key
    assert not _is_in(_with(stolen))
    assert not _is_in(_with(stolen[:32]))


def test_a_row_under_another_secret_is_no_session_and_an_older_secret_still_is(
    account: Account, settings: Settings
) -> None:
    client = signed_in(account)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret, for the test only" * 2
    assert not _is_in(_with(_key(client)))
    settings.SECRET_KEY_FALLBACKS = [old]
    assert SessionStore(_key(client)).load()


def test_a_changed_row_is_no_session(account: Account) -> None:
    client = signed_in(account)
    data = StaffSession.objects.get().session_data
    StaffSession.objects.update(session_data=data[:-6] + "AAAAAA")
    assert not _is_in(client)


def test_the_cookie_of_a_session_that_was_signed_out_opens_nothing(account: Account) -> None:
    client = signed_in(account)
    old = _key(client)
    client.post(reverse("sign-out"))
    assert not _is_in(_with(old))
    assert not StaffSession.objects.filter(account=account).exists()


def test_a_session_that_was_planted_does_not_become_the_one_that_is_signed_in(
    account: Account,
) -> None:
    secret = new_secret()
    keep_authenticator(account=account, secret=secret)
    planted = Client()
    planted.post(reverse("sign-in"), {"username": "camille"})
    key = _key(planted)
    victim = _with(key)
    victim.post(reverse("sign-in-password"), {"password": PASSWORD})
    victim.post(reverse("sign-in-code"), {"code": code_now(secret)})
    assert _is_in(victim)
    assert _key(victim) != key
    assert not _is_in(_with(key))


def test_a_key_that_the_browser_made_up_is_never_taken(account: Account) -> None:
    made_up = "a" * 32
    client = _with(made_up)
    client.post(reverse("sign-in"), {"username": "camille"})
    assert _key(client) != made_up
    assert not StaffSession.objects.filter(session_key=row_key(made_up)).exists()


def test_the_step_up_changes_the_key_and_the_old_one_is_dead(account: Account) -> None:
    client, secret = half_signed_in(account), new_secret()
    device = keep_authenticator(account=account, secret=secret)
    set_session(client, otp_device_id=device.persistent_id)
    old = _key(client)
    client.post(reverse("confirm"), {"code": code_now(secret)})
    assert client.session[CONFIRMED] > 0
    assert _key(client) != old
    assert not _is_in(_with(old))
    assert _is_in(client)


@pytest.mark.parametrize("is_verified", [True, False])
def test_each_limit_at_its_border(account: Account, is_verified: bool) -> None:
    client = signed_in(account) if is_verified else half_signed_in(account)
    request = client.get(reverse("account")).wsgi_request
    start = 1_800_000_000.0
    idle = IDLE_LIMIT.total_seconds()
    whole = django_settings.SESSION_COOKIE_AGE if is_verified else HALF_WAY_LIMIT.total_seconds()
    for age, since_seen, is_past in (
        (0.0, 0.0, False),
        (whole, 0.0, False),
        (whole + 0.001, 0.0, True),
        (min(idle, whole), min(idle, whole), False),
        (idle + 0.001, idle + 0.001, True),
    ):
        request.session.update({STARTED: start, SEEN: start + age - since_seen})
        assert is_over(request, moment=start + age) is is_past, (age, since_seen)


def test_use_does_not_prolong_the_working_day(account: Account) -> None:
    client = signed_in(account)
    moment = timezone.now().timestamp()
    set_session(client, **{STARTED: moment - django_settings.SESSION_COOKIE_AGE + 60})
    before = client.session[STARTED]
    assert _is_in(client)
    assert client.session[STARTED] == before


def test_closing_an_account_takes_the_rows_away_with_the_commit(account: Account) -> None:
    client = signed_in(account)
    close_account("camille")
    assert not StaffSession.objects.filter(account=account).exists()
    Account.objects.update(is_active=True)  # even if it were opened again at once
    assert not _is_in(client)


def test_my_sessions_are_shown_and_the_others_ended(account: Account) -> None:
    secret = new_secret()
    keep_authenticator(account=account, secret=secret)
    here = Client(headers={"User-Agent": FIREFOX})
    here.post(reverse("sign-in"), {"username": "camille"})
    here.post(reverse("sign-in-password"), {"password": PASSWORD})
    here.post(reverse("sign-in-code"), {"code": code_now(secret)})
    elsewhere, stranger = signed_in(account), signed_in(make_account("robin"))
    page = here.get(reverse("account")).content.decode()
    assert "Firefox, Linux" in page
    assert "127.0.0.0/24" in page
    assert "127.0.0.1" not in page
    here.post(reverse("end-other-sessions"))
    assert _is_in(here)
    assert not _is_in(elsewhere)
    assert _is_in(stranger)
    assert SignIn.objects.get(account=account, ended_at=None)


def test_a_session_that_goes_on_from_another_network_is_reported_once(
    account: Account, settings: Settings
) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("0.0.0.0/0")]
    client = signed_in(account)
    set_session(client, **{NETWORK: "127.0.0.0/24"})
    for _request in range(3):
        client.get(reverse("home"), REMOTE_ADDR="198.51.100.7")
    event = SecurityEvent.objects.get(kind="network_changed")
    assert event.account_id == account.pk
    assert "198.51.100" not in json.dumps(list(SecurityEvent.objects.values()), default=str)


def _request_of(client: Client) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = client.session
    return request


@pytest.mark.parametrize("how", ["closed", "ended", "signed out"])
def test_a_long_answer_stops_with_its_session(
    account: Account, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(account)
    monkeypatch.setattr("crm.accounts.sessions.STREAM_STEP", timedelta(0))
    parts = while_open(_request_of(client), iter([b"1", b"2", b"3"]), roles=["marketing"])
    assert next(parts) == b"1"
    if how == "closed":
        close_account("camille")
    elif how == "ended":
        end_sessions(account=account, now=timezone.now())
    else:
        client.post(reverse("sign-out"))
    with pytest.raises(SessionEnded):
        next(parts)


def test_a_long_answer_of_a_living_session_is_whole(account: Account) -> None:
    parts = [b"%d" % number for number in range(1000)]
    request = _request_of(signed_in(account))
    assert list(while_open(request, parts, roles=["marketing"])) == parts


@pytest.mark.parametrize(
    "change", [{"role": "sales"}, {"ends_on": date(2020, 1, 1)}, {"is_active": False}]
)
def test_a_long_answer_stops_when_its_account_may_not_have_it_any_more(
    account: Account, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.accounts.sessions.STREAM_STEP", timedelta(0))
    request = _request_of(signed_in(account))
    parts = while_open(request, iter([b"1", b"2"]), roles=["marketing", "dpo"])
    assert next(parts) == b"1"
    Account.objects.update(**change)
    with pytest.raises(SessionEnded):
        next(parts)


def test_a_long_answer_goes_on_when_another_tab_shows_the_second_factor(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.accounts.sessions.STREAM_STEP", timedelta(0))
    secret = new_secret()
    keep_authenticator(account=account, secret=secret)
    client = Client()
    client.post(reverse("sign-in"), {"username": "camille"})
    client.post(reverse("sign-in-password"), {"password": PASSWORD})
    client.post(reverse("sign-in-code"), {"code": code_now(secret)})
    request, old = _request_of(client), _key(client)
    parts = while_open(request, iter([b"1", b"2", b"3"]), roles=["marketing"])
    assert next(parts) == b"1"
    client.post(reverse("confirm"), {"code": code_now(secret, steps=1)})
    assert _key(client) != old
    assert next(parts) == b"2"
    client.post(reverse("sign-out"))
    with pytest.raises(SessionEnded):
        next(parts)


def test_what_is_older_than_half_a_year_is_forgotten(account: Account) -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    seen = Circumstances(network="", browser="", network_print="n", browser_print="b")
    for age in (KEPT + timedelta(minutes=1), KEPT - timedelta(minutes=1)):
        record_sign_in(account=account, factor="code", circumstances=seen, now=now - age)
        SecurityEvent.objects.create(
            id=SignIn.objects.latest("began_at").id, at=now - age, kind="wrong_password"
        )
    assert forget_sign_ins(now=now) == 2
    assert SignIn.objects.count() == SecurityEvent.objects.count() == 1
    assert forget_sign_ins(now=now) == 0


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 Edg/156.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Safari/605.1", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Safari/604.1", "Safari, iOS"),
        ("curl/8", ""),
        ("x" * 5000, ""),
    ],
)
def test_circumstances_are_coarse(agent: str, browser: str) -> None:
    request = RequestFactory().get("/", headers={"User-Agent": agent}, REMOTE_ADDR="192.0.2.77")
    seen = circumstances_of(request)
    assert (seen.browser, seen.network) == (browser, "192.0.2.0/24")
    other = RequestFactory().get("/", headers={"User-Agent": agent}, REMOTE_ADDR="192.0.2.78")
    assert circumstances_of(other).network_print == seen.network_print
    six = RequestFactory().get("/", REMOTE_ADDR="2001:db8:1:2::3")
    assert circumstances_of(six).network == "2001:db8:1::/48"


def test_cookies_are_of_this_host_alone_where_there_is_tls() -> None:
    """Read from a process of its own: the settings are made when it starts."""
    code = (
        "from deploy import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.KNOWN_BROWSER_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        " s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE, s.OTP_WEBAUTHN_RP_ID)"
    )
    environment = {
        **os.environ,
        "ACCORD_SECRET_KEY": "x" * 50,
        "ACCORD_STAFF_URL": "https://accord.example.org",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        *("__Host-accord_session", "__Host-accord_csrf", "__Host-accord_known"),
        *("True", "True", "Lax", "Strict", "accord.example.org"),
    ]
