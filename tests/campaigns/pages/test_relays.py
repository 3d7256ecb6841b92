"""The page of the relays: how they are, who may change what, and that no secret is on it."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import MailServiceLimit, Relay, RelayAllowance, RelayChange
from campaigns.relays import breaker
from campaigns.relays.addresses import know_relays
from tests.campaigns.pages.desk import browser, offences, plain, read

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture(autouse=True)
def two_relays(settings: Settings) -> None:
    settings.RELAY_URL = "smtps://ann:s3cr3t-pass@mail.example.org:465"
    settings.RELAY_URLS = {"brevo": "anymail:brevo?api_key=xkeysib-s3cr3t&tracking=off_in_account"}


def limits(**changed: str) -> dict[str, str]:
    return {"weight": "100", "carries_newsletters": "on", "sender_domains": "", **changed}


def test_the_page_shows_every_relay_and_service_and_no_secret() -> None:
    html = read(browser("operations"), "relay-list")
    text = plain(html)
    assert "mail.example.org:465, TLS" in text
    assert "brevo API" in text
    assert "Gmail" in text
    assert "s3cr3t" not in html
    assert "ann" not in re_words(text)
    assert offences(html) == []


def re_words(text: str) -> set[str]:
    return set(text.replace(",", " ").split())


def test_a_relay_that_failed_says_what_and_when_it_is_tried_again() -> None:
    know_relays()
    breaker.trip(relay="default", failure="busy", at=timezone.now(), jitter=0.0)
    RelayAllowance.objects.create(
        relay_id="default",
        service="orange",
        slowed_to=2.5,
        paused_until=timezone.now() + timedelta(minutes=5),
    )
    text = plain(read(browser("marketing"), "relay-list"))
    assert "Out for a while" in text
    assert "It says that it takes no mail now. It is tried again at" in text
    assert "left alone until" in text


def test_pausing_and_bringing_back_leave_a_line_each() -> None:
    client = browser("marketing")
    for name, is_enabled in (("relay-pause", False), ("relay-resume", True)):
        for _twice in range(2):
            client.post(reverse(name, args=["brevo"]))
        assert Relay.objects.get(code="brevo").is_enabled == is_enabled
    lines = list(RelayChange.objects.order_by("id").values_list("what", "relay_code"))
    assert lines == [("paused", "brevo"), ("resumed", "brevo")]
    assert set(RelayChange.objects.values_list("actor_id", flat=True)) != {None}


def test_limits_and_a_warm_up_are_set_by_who_runs_the_servers() -> None:
    client = browser("dsi")
    url = reverse("relay-edit", args=["brevo"])
    assert client.get(url).status_code == 200
    plan = {
        "warm_up_from": "2026-11-24",
        "warm_up_first_day": "50",
        "warm_up_growth_percent": "150",
        "warm_up_days": "20",
    }
    sent = limits(per_day="20000", sender_domains="Example.org news.example.org", **plan)
    assert client.post(url, sent).status_code == 302
    row = Relay.objects.get(code="brevo")
    assert (row.per_day, row.carries_letters) == (20000, False)
    assert row.sender_domains == ["example.org", "news.example.org"]
    assert row.warm_up_from == date(2026, 11, 24)
    [line] = RelayChange.objects.all()
    assert line.detail["per_day"] == 20000
    assert line.detail["warm_up_from"] == "2026-11-24"
    client.post(url, sent)
    assert RelayChange.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"weight": "0"}, "greater than or equal to 1"),
        ({"per_day": "-1"}, "greater than or equal to 1"),
        ({"warm_up_first_day": "50"}, "A warm-up needs all four"),
        ({"sender_domains": "not/a/domain"}, "Write domains like"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(sent: dict[str, str], said: str) -> None:
    response = browser("dsi").post(reverse("relay-edit", args=["brevo"]), limits(**sent))
    assert response.status_code == 422
    assert said in plain(response.content.decode())
    assert not Relay.objects.filter(code="brevo").exists()


def test_the_limits_of_a_mail_service_can_be_changed_and_taken_away() -> None:
    client = browser("operations")
    url = reverse("mail-service-edit", args=["gmail"])
    assert 'value="1200"' in client.get(url).content.decode()
    client.post(url, {"per_minute": "60", "per_day": "5000"})
    row = MailServiceLimit.objects.get()
    assert (row.service, row.per_second, row.per_minute, row.per_day) == ("gmail", None, 60, 5000)
    client.post(url, {})
    assert "no limit" in plain(read(client, "relay-list"))


def test_marketing_pauses_and_does_not_set_and_communication_only_looks() -> None:
    marketing, communication = browser("marketing"), browser("communication")
    pages = read(marketing, "relay-list"), read(communication, "relay-list")
    edit, pause = reverse("relay-edit", args=["brevo"]), reverse("relay-pause", args=["brevo"])
    assert [edit in page for page in pages] == [False, False]
    assert [pause in page for page in pages] == [True, False]
