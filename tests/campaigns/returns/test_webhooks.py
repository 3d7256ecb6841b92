"""Events by webhook: verified by anymail's own views before anything is written, then ours."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from pytest_django import Settings

from campaigns.delivery.naming import message_id, return_path
from campaigns.models import DeliveryState, Return
from privacy.models import Envelope, SealingPublicKey
from tests.campaigns.returns.cast import Sent, sent, settle

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
SECRET, SIGNING_KEY = "hook:only-for-tests", "key-only-for-tests"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = "".join(
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
    .splitlines()[1:-1]
)


@pytest.fixture(autouse=True)
def agreed(settings: Settings) -> None:
    settings.ANYMAIL = {
        "WEBHOOK_SECRET": SECRET,
        "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY,
        "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": PUBLIC_KEY,
    }


# --- what services send ----------------------------------------------------------------------


def basic(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def brevo(one: Sent, event: str, **more: Any) -> bytes:
    return json.dumps(
        {
            "event": event, "email": one.email, "id": 26224, "date": "2026-11-24 10:00:00",
            "ts": 1795514400, "message-id": message_id(one.delivery), "ts_event": 1795514400,
            "subject": "Nouvelles de novembre", "sending_ip": "198.51.100.4",
            "ts_epoch": 1795514400000, **more,
        }
    ).encode()  # fmt: skip


def postmark(one: Sent, **more: Any) -> bytes:
    return json.dumps(
        {
            "RecordType": "Bounce", "MessageStream": "broadcast", "ID": 4323372036854775807,
            "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce", "Tag": "News",
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Email": one.email,
            "Metadata": {"accord": return_path(one.delivery)}, "ServerID": 23,
            "Description": "The server was unable to deliver your message (ex: unknown user).",
            "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
            "BouncedAt": "2026-11-24T09:00:05Z", "DumpAvailable": True, "Inactive": True, **more,
        }
    ).encode()  # fmt: skip


def mailgun(
    one: Sent, event: str, *, key: str = SIGNING_KEY, seconds_ago: int = 0, **more: Any
) -> bytes:
    stamp, token = (
        str(int(time.time()) - seconds_ago),
        "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
    )
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return json.dumps(
        {
            "signature": {"timestamp": stamp, "token": token, "signature": signature},
            "event-data": {
                "event": event, "timestamp": 1795514400.9, "id": "G9Bn5sl1TC6nu79C8C0bwg",
                "recipient": one.email, "log-level": "error", "tags": [],
                "message": {"headers": {"message-id": message_id(one.delivery).strip("<>"),
                                        "to": one.email, "from": "news@example.org"}},
                "user-variables": {}, "flags": {"is-test-mode": False}, **more,
            },
        }
    ).encode()  # fmt: skip


def sendgrid(one: Sent, *events: dict[str, Any]) -> bytes:
    common = {
        "email": one.email, "timestamp": 1795514400, "sg_message_id": "14c5d75ce93.dfd.64b469.0",
        "smtp-id": message_id(one.delivery), "category": ["news"],
    }  # fmt: skip
    return json.dumps(
        [common | {"sg_event_id": f"id-{n}"} | e for n, e in enumerate(events)]
    ).encode()


def sendgrid_signature(body: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    stamp = str(int(time.time()))
    signature = key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


def told(side: Client, service: str, body: bytes, headers: dict[str, str]) -> Any:
    return side.post(f"/returns/{service}", body, content_type="application/json", headers=headers)


# --- what follows ----------------------------------------------------------------------------


def _one(kind: str) -> Return:
    settle()
    row = Return.objects.get()
    assert row.kind == kind
    return row


@pytest.mark.usefixtures("inbox")
class TestEvents:
    @pytest.mark.parametrize("service", ["brevo", "postmark", "mailgun", "sendgrid"])
    def test_a_hard_bounce_of_each_service(self, public_side: Client, service: str) -> None:
        one = sent()
        reason = "550 5.1.1 user unknown"
        failed: dict[str, Any] = {
            "severity": "permanent", "reason": "bounce",
            "delivery-status": {"code": 550, "message": reason, "description": ""},
        }  # fmt: skip
        bodies = {
            "brevo": brevo(one, "hard_bounce", reason=reason),
            "postmark": postmark(one),
            "mailgun": mailgun(one, "failed", **failed),
            "sendgrid": sendgrid(
                one, {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": reason}
            ),
        }  # fmt: skip
        body = bodies[service]
        headers = {"mailgun": {}, "sendgrid": sendgrid_signature(body)}.get(service, basic())
        assert told(public_side, service, body, headers).status_code == 204
        row = _one("hard_bounce")
        assert (row.source, row.contact_id, row.why) == (service, one.contact_id, "unknown_user")
        assert one.delivery.state == DeliveryState.BOUNCED
        assert one.contact.unreachable_at is not None

    @pytest.mark.parametrize("service", ["brevo", "postmark", "mailgun", "sendgrid"])
    def test_a_complaint_of_each_service_is_an_objection(
        self, public_side: Client, service: str
    ) -> None:
        one = sent()
        bodies = {
            "brevo": brevo(one, "spam"),
            "postmark": postmark(one, RecordType="SpamComplaint", Type="SpamComplaint"),
            "mailgun": mailgun(one, "complained"),
            "sendgrid": sendgrid(one, {"event": "spamreport"}),
        }
        body = bodies[service]
        headers = {"mailgun": {}, "sendgrid": sendgrid_signature(body)}.get(service, basic())
        assert told(public_side, service, body, headers).status_code == 204
        _one("complaint")
        assert not one.is_permitted

    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            ("soft_bounce", "soft_bounce"), ("deferred", "delayed"), ("delivered", "delivered"),
            ("unsubscribe", "opt_out"), ("blocked", "soft_bounce"),
        ],
    )  # fmt: skip
    def test_other_events(self, public_side: Client, event: str, kind: str) -> None:
        one = sent()
        told(public_side, "brevo", brevo(one, event, reason="mailbox full"), basic())
        _one(kind)
        assert one.is_permitted is (kind != "opt_out")

    @pytest.mark.parametrize("event", ["opened", "unique_opened", "click", "request"])
    def test_what_a_service_measures_by_itself_is_not_kept(
        self, public_side: Client, event: str
    ) -> None:
        one = sent()
        assert told(public_side, "brevo", brevo(one, event), basic()).status_code == 204
        settle()
        assert not Return.objects.exists()

    def test_an_event_that_is_told_twice_happened_once(self, public_side: Client) -> None:
        one = sent()
        event = {"event": "bounce", "type": "bounce", "reason": "552 5.2.2 mailbox full"}
        for _time in range(3):
            body = sendgrid(one, event, {"event": "delivered"})
            told(public_side, "sendgrid", body, sendgrid_signature(body))
            settle()
        assert sorted(Return.objects.values_list("kind", flat=True)) == ["delivered", "soft_bounce"]

    def test_an_event_of_nobodys_message_touches_nobody(self, public_side: Client) -> None:
        one = sent()
        body = brevo(one, "spam", **{"message-id": "<1@elsewhere.example>"})
        told(public_side, "brevo", body, basic())
        row = _one("complaint")
        assert (row.contact_id, row.is_kept) == (None, True)
        assert one.is_permitted

    def test_a_batch_of_thousands_is_taken_whole(self, public_side: Client) -> None:
        one = sent()
        body = sendgrid(one, *[{"event": "delivered", "ip": f"{n}"} for n in range(2_500)])
        assert 300_000 < len(body) < 1024 * 1024
        assert told(public_side, "sendgrid", body, sendgrid_signature(body)).status_code == 204
        assert Envelope.objects.filter(kind="return").count() > 1
        settle()
        assert Return.objects.count() == 2_500


# --- who is not the service ------------------------------------------------------------------


@pytest.mark.usefixtures("inbox")
class TestForgeries:
    def _refused(self, response: Any) -> None:
        assert response.status_code == 400
        assert not Envelope.objects.filter(kind="return").exists()

    def test_a_wrong_signature_of_mailgun(self, public_side: Client) -> None:
        self._refused(told(public_side, "mailgun", mailgun(sent(), "failed", key="other"), {}))

    def test_a_wrong_signature_of_sendgrid(self, public_side: Client) -> None:
        body = sendgrid(sent(), {"event": "spamreport"})
        other = ec.generate_private_key(ec.SECP256R1())
        self._refused(told(public_side, "sendgrid", body, sendgrid_signature(body, other)))
        self._refused(told(public_side, "sendgrid", body + b" ", sendgrid_signature(body)))
        self._refused(told(public_side, "sendgrid", body, {}))

    @pytest.mark.parametrize("seconds", [320, -320])
    def test_a_signature_of_mailgun_that_is_old_or_of_tomorrow(
        self, public_side: Client, seconds: int
    ) -> None:
        body = mailgun(sent(), "complained", seconds_ago=seconds)
        self._refused(told(public_side, "mailgun", body, {}))

    def test_a_signature_of_mailgun_counts_once_whatever_is_written_under_it(
        self, public_side: Client
    ) -> None:
        one = sent()
        told(public_side, "mailgun", mailgun(one, "delivered"), {})
        settle()
        other = mailgun(one, "complained", id="another")
        assert told(public_side, "mailgun", other, {}).status_code == 204
        settle()
        assert list(Return.objects.values_list("kind", flat=True)) == ["delivered"]
        assert one.is_permitted

    @pytest.mark.parametrize("service", ["brevo", "postmark"])
    @pytest.mark.parametrize("headers", [{}, basic("hook:wrong"), {"Authorization": "Basic x"}])
    def test_a_wrong_password(
        self, public_side: Client, service: str, headers: dict[str, str]
    ) -> None:
        one = sent()
        bodies = {"brevo": brevo(one, "spam"), "postmark": postmark(one)}
        self._refused(told(public_side, service, bodies[service], headers))

    @pytest.mark.parametrize(
        "body", [b"", b"x", b"\xff", b"1", b"[1]", b'{"signature": 1}', b'{"signature": {}}',
                 b'{"signature": {"token": 1, "timestamp": [], "signature": {}}}'],
    )  # fmt: skip
    def test_what_is_no_event(self, public_side: Client, body: bytes) -> None:
        self._refused(told(public_side, "mailgun", body, {}))

    def test_a_form_instead_of_json(self, public_side: Client) -> None:
        self._refused(public_side.post("/returns/mailgun", {"token": "x"}))

    def test_more_than_a_megabyte(self, public_side: Client) -> None:
        response = told(public_side, "brevo", b" " * (1024 * 1024 + 1), basic())
        assert response.status_code == 413

    @pytest.mark.parametrize("service", ["brevo", "mailgun", "sendgrid", "postmark"])
    def test_a_service_that_nothing_was_agreed_with(
        self, public_side: Client, settings: Settings, service: str
    ) -> None:
        settings.ANYMAIL = {}
        assert told(public_side, service, b"{}", basic()).status_code == 404
        assert told(public_side, "other", b"{}", basic()).status_code == 404

    def test_only_post_and_head(self, public_side: Client) -> None:
        assert public_side.get("/returns/brevo").status_code == 405
        assert public_side.head("/returns/brevo").status_code == 200


def test_what_cannot_be_kept_is_told_again(public_side: Client, inbox: object) -> None:
    one = sent()
    SealingPublicKey.objects.all().delete()
    assert told(public_side, "brevo", brevo(one, "spam"), basic()).status_code == 503


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"event": 7, "ts_epoch": "x"}', b'{"items": []}'])
def test_what_a_verified_service_says_and_nobody_understands_waits_for_a_person(
    public_side: Client, body: bytes
) -> None:
    assert told(public_side, "brevo", body, basic()).status_code == 204
    row = _one("unknown")
    assert row.is_kept
