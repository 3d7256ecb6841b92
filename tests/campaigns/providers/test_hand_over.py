"""Campaigns over a provider's web API: the same gate, and each answer has its meaning."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.delivery.naming import return_path
from campaigns.models import Delivery, DeliveryState, Relay
from campaigns.providers.addresses import ProviderAddress
from campaigns.smtp.addresses import BadRelayAddress
from tests.campaigns import cast
from tests.campaigns.providers.api import DROP, Answer, Api, basic, brevo_yes, mailjet_yes, serving
from tests.campaigns.relays import scene

database = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def brevo(settings: Settings) -> Iterator[Api]:
    with serving(brevo_yes) as api:
        url = f"http://127.0.0.1:{api.port}/v3/"
        settings.RELAY_URL = (
            f"anymail:brevo?api_key=xkeysib-1&tracking=off_in_account&timeout=2&api_url={url}"
        )
        yield api


@pytest.fixture
def mailjet(settings: Settings) -> Iterator[Api]:
    with serving(mailjet_yes) as api:
        url = f"http://127.0.0.1:{api.port}/v3.1/"
        settings.RELAY_URL = f"anymail:mailjet?api_key=ann&secret_key=right&api_url={url}"
        yield api


class TestBrevo:
    pytestmark = database

    def test_the_message_arrives_whole_with_its_headers_and_our_return_path(
        self, brevo: Api
    ) -> None:
        cast.subscriber("zoe@example.org", name="Zoé")
        campaign = cast.launched(subject="L’été, {{ first_name }}")
        cast.deliver(campaign)
        row = Delivery.objects.get()
        [(path, headers, body)] = brevo.asked
        assert path == "/v3/smtp/email"
        assert headers["api-key"] == "xkeysib-1"
        assert body["to"] == [{"email": "zoe@example.org", "name": "Zoé Durand"}]
        assert body["sender"]["email"] == "news@example.org"
        assert body["subject"] == "L’été, Zoé"
        assert "Zoé" in body["htmlContent"] + body["textContent"]
        sent = body["headers"]
        assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "/u/" in sent["List-Unsubscribe"]
        assert sent["Precedence"] == "bulk"
        assert sent["Message-ID"].startswith("<")
        assert return_path(row) in sent["X-Mailin-custom"]
        assert not {name.lower() for name in sent} & {"dkim-signature", "received", "to"}

    def test_its_own_id_is_the_evidence(self, brevo: Api) -> None:
        cast.subscribers(2)
        campaign = cast.launched()
        cast.deliver(campaign)
        assert set(Delivery.objects.values_list("evidence", flat=True)) == {
            "api:brevo <20260001@smtp-relay.brevo.example>",
            "api:brevo <20260002@smtp-relay.brevo.example>",
        }
        found = services.delivery_of_provider_message(
            backend="brevo", message_id="<20260002@smtp-relay.brevo.example>"
        )
        assert found in set(Delivery.objects.values_list("id", flat=True))
        assert services.delivery_of_provider_message(backend="brevo", message_id="<x>") is None
        assert services.delivery_of_provider_message(backend="brevo", message_id="") is None

    def test_a_no_is_honoured_at_its_gate(self, brevo: Api) -> None:
        contacts = cast.subscribers(2)
        campaign = cast.launched()
        cast.opt_out(contacts[:1], ["person0@example.org"])
        cast.deliver(campaign)
        assert [body["to"][0]["email"] for body in brevo.accepted] == ["person1@example.org"]

    @pytest.mark.parametrize(
        ("status", "document", "state", "reason", "halted"),
        [
            # Said of the first message of a connection, it may be about us: one more is tried.
            (400, {"code": "invalid_parameter", "message": "email is not valid"},
             DeliveryState.QUEUED, "provider_refused", "sender_refused"),
            (401, {"code": "unauthorized"}, DeliveryState.QUEUED, "sender_refused",
             "sender_refused"),
            (402, {"code": "not_enough_credits"}, DeliveryState.QUEUED, "sender_refused",
             "sender_refused"),
            (429, {"code": "too_many_requests"}, DeliveryState.QUEUED, "relay_busy",
             "relay_unreachable"),
            (503, {}, DeliveryState.QUEUED, "relay_busy", "relay_unreachable"),
            # Something in front of the API may have passed it on before it gave up.
            (500, {}, DeliveryState.UNKNOWN, "hand_over_unproven", "relay_unreachable"),
            (504, "<html>gateway time-out</html>", DeliveryState.UNKNOWN, "hand_over_unproven",
             "relay_unreachable"),
            (DROP, None, DeliveryState.UNKNOWN, "hand_over_unproven", "relay_unreachable"),
            (201, "not json", DeliveryState.UNKNOWN, "hand_over_unproven", "relay_unreachable"),
            (302, {}, DeliveryState.QUEUED, "", "relay_unreachable"),
        ],
    )  # fmt: skip
    def test_each_answer_has_its_meaning(
        self, brevo: Api, status: int, document: object, state: int, reason: str, halted: str
    ) -> None:
        cast.subscribers(1)
        campaign = cast.launched()
        brevo.answer = lambda _number, _body: (status, document)
        cast.deliver(campaign)
        row = Delivery.objects.get()
        assert (row.state, row.reason) == (state, reason)
        assert services.progress(campaign_id=campaign).halted_reason == halted
        assert len(brevo.asked) == 1
        assert "@" not in row.evidence

    def test_one_refused_among_accepted_ones_ends_alone(self, brevo: Api) -> None:
        cast.subscribers(3)
        campaign = cast.launched()

        def answer(number: int, body: dict[str, list[dict[str, str]]]) -> Answer | None:
            bad = body["to"][0]["email"] == "person1@example.org"
            return (400, {"code": "invalid_parameter"}) if bad else None

        brevo.answer = answer
        for _turn in range(4):
            cast.deliver(campaign)
            scene.end_of_pauses()
        account = services.progress(campaign_id=campaign)
        assert (account.counts["sent"], account.failed) == (2, {"provider_refused": 1})
        assert account.state == "finished"

    def test_an_api_that_cannot_be_reached_took_nothing(self, settings: Settings) -> None:
        cast.subscribers(1)
        campaign = cast.launched()
        settings.RELAY_URL = (
            "anymail:brevo?api_key=k&tracking=off_in_account&api_url=http://127.0.0.1:9/v3/"
        )
        cast.deliver(campaign)
        row = Delivery.objects.get()
        assert (row.state, row.attempts) == (DeliveryState.QUEUED, 0)
        assert Relay.objects.get().failure == "unreachable"

    def test_a_missing_option_takes_it_out_and_says_no_secret(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        cast.subscribers(1)
        campaign = cast.launched()
        settings.RELAY_URL = "anymail:mailjet?api_key=s3cr3t-key"
        cast.deliver(campaign)
        assert services.progress(campaign_id=campaign).halted_reason == "relay_unreachable"
        assert "s3cr3t" not in caplog.text


class TestMailjet:
    pytestmark = database

    def test_the_message_arrives_without_what_it_forbids_and_is_not_tracked(
        self, mailjet: Api
    ) -> None:
        cast.subscribers(1)
        campaign = cast.launched()
        cast.deliver(campaign)
        assert Delivery.objects.get().evidence == "api:mailjet 1001"
        [(path, headers, body)] = mailjet.asked
        assert path == "/v3.1/send"
        assert headers["Authorization"] == basic("ann", "right")
        shared = body["Globals"]
        assert (shared["TrackOpens"], shared["TrackClicks"]) == ("disabled", "disabled")
        assert not {name.lower() for name in shared["Headers"]} & {"message-id", "list-id", "date"}
        assert shared["Headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "bounce+" in shared["EventPayload"]

    def test_an_error_of_one_message_is_a_no(self, mailjet: Api) -> None:
        cast.subscribers(1)
        campaign = cast.launched()
        error = {
            "ErrorCode": "mj-0013",
            "StatusCode": 400,
            "ErrorMessage": "invalid",
            "ErrorRelatedTo": [],
        }
        mailjet.answer = lambda _number, _body: (
            400, {"Messages": [{"Status": "error", "Errors": [error]}]}
        )  # fmt: skip
        cast.deliver(campaign)
        row = Delivery.objects.get()
        assert (row.state, row.reason) == (DeliveryState.QUEUED, "provider_refused")


@pytest.mark.parametrize(
    "url",
    [
        "anymail:nobody?api_key=1",
        "anymail:brevo",
        "anymail:brevo?api_key=s3cr3t",
        "anymail:scaleway?secret_key=s3cr3t&tracking=on",
        "anymail:brevo?API-KEY=s3cr3t",
        "anymail:brevo?api_key=s3cr3t&tracking=off_in_account&timeout=0",
        "anymail:brevo?api_key=s3cr3t&tracking=off_in_account&timeout=600",
        "anymail:brevo?api_key=s3cr3t&tracking=off_in_account&api_url=http://api.example.org/",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(BadRelayAddress) as caught:
        ProviderAddress.parse(url)
    assert "s3cr3t" not in str(caught.value)


def test_the_keys_are_not_in_what_is_printed_of_an_address() -> None:
    assert "s3cr3t" not in repr(ProviderAddress.parse("anymail:postmark?server_token=s3cr3t"))
