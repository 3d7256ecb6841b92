"""POST /api/v1/messages: one message per key, for somebody known, and nothing told of them."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from campaigns import services
from campaigns.models import Delivery, DeliveryKind, OutgoingMessage, TransactionalMessage
from campaigns.transactional.templates import archive_transactional_template
from crm.models import ApiToken, Contact, Lead
from crm.services import merge_contacts
from privacy.services import readings_of
from tests.campaigns import cast
from tests.campaigns.transactional.asking import (
    ALICE,
    URL,
    VALUES,
    alice,
    ask,
    body,
    look,
    said,
    template,
    token,
)
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import make_account, staff_client
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def test_it_arrives_filled_in_and_says_that_a_machine_wrote_it(inbox: Inbox) -> None:
    alice()
    template()
    key = token()
    answer = ask(key, body(reference="order/17"))
    assert answer.status_code == 202
    number = said(answer)["id"]
    assert answer.headers["Location"] == f"{URL}/{number}"
    assert said(look(key, number))["state"] == "queued"
    services.send_single_messages(clock=cast.clock)
    (mail,) = inbox.to(ALICE)
    assert mail["Subject"] == "Invoice F-2026-11"
    assert mail["Auto-Submitted"] == "auto-generated"
    for header in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"):
        assert mail[header] is None
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None and html is not None
    assert "Dear Alice," in text.get_content()
    assert "F-2026-11 of 12.5 euros is due on 31 December 2026" in text.get_content()
    assert 'href="https://pay.example.org/x?a=1&amp;b=2"' in html.get_content()
    assert "<img" not in html.get_content()
    told = said(look(key, number))
    assert (told["state"], told["reason"], told["reference"]) == ("sent", "", "order/17")
    assert told["finished_at"] and "example.org" not in json.dumps(told)


def test_each_language_has_its_own_words(inbox: Inbox) -> None:
    alice()
    template()
    key = token()
    assert said(ask(key, body(language="de")))["errors"] == {"language": "not_in_this_language"}
    assert ask(key, body(language="fr")).status_code == 202
    services.send_single_messages(clock=cast.clock)
    (mail,) = inbox.to(ALICE)
    assert (mail["Subject"], mail["Content-Language"]) == ("Facture", "fr")


def test_the_same_key_is_the_same_message_and_another_body_is_refused() -> None:
    alice()
    template()
    account = make_account()
    key, other = token(account), token(account)
    first = ask(key, idempotency="order-0017")
    assert [first.status_code, said(first)] == [202, said(ask(key, idempotency="order-0017"))]
    assert said(ask(other, idempotency="order-0017")) == said(first)
    changed = ask(key, body(variables={**VALUES, "amount": 13}), idempotency="order-0017")
    assert (changed.status_code, said(changed)["code"]) == (409, "key_used_otherwise")
    # Of another account it is another key, and its message is not shown.
    stranger = token()
    assert said(ask(stranger, idempotency="order-0017")) != said(first)
    assert look(stranger, said(first)["id"]).status_code == 404
    assert OutgoingMessage.objects.count() == 2


def test_the_same_answer_also_when_the_person_may_no_longer_be_written_to() -> None:
    contact = alice()
    template()
    key = token()
    first = ask(key, idempotency="order-0017")
    Contact.objects.filter(id=contact).update(restricted_at=cast.clock())
    assert said(ask(key, idempotency="order-0017")) == said(first)
    assert ask(key).status_code == 409


def test_twenty_at_once_are_one_message(inbox: Inbox) -> None:
    alice()
    template()
    key = token()
    start, found, lock = threading.Barrier(20), [], threading.Lock()

    def one() -> None:
        start.wait(30)
        try:
            answer = ask(key, idempotency="order-0017")
            with lock:
                found.append((answer.status_code, answer.content))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 20 and len(set(found)) == 1 and found[0][0] == 202
    assert (TransactionalMessage.objects.count(), OutgoingMessage.objects.count()) == (1, 1)
    services.send_single_messages(clock=cast.clock)
    services.send_single_messages(clock=cast.clock)
    assert len(inbox.to(ALICE)) == 1


def test_two_bodies_at_once_under_one_key_are_one_message_and_one_refusal() -> None:
    alice()
    template()
    key = token()
    start, found, lock = threading.Barrier(8), [], threading.Lock()

    def one(number: int) -> None:
        start.wait(30)
        try:
            values = {**VALUES, "amount": number % 2}
            answer = ask(key, body(variables=values), idempotency="order-0017")
            with lock:
                found.append(answer.status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [202] * 4 + [409] * 4
    assert OutgoingMessage.objects.count() == 1 and Delivery.objects.count() == 1


def test_nobody_is_made_known_by_a_message() -> None:
    template()
    before = Contact.objects.count()
    nobody: list[dict[str, Any]] = [
        {},
        {"email": "not an address"},
        {"email": None, "contact_id": str(uuid4())},
    ]
    for changes in nobody:
        answer = ask(token(), body(**changes))
        assert (answer.status_code, said(answer)["code"]) == (404, "not_found")
    assert Contact.objects.count() == before and not OutgoingMessage.objects.exists()


def test_by_id_by_address_and_by_what_was_merged() -> None:
    contact = alice()
    template()
    key = token()
    for changes in ({"email": "Alice@EXAMPLE.org"}, {"email": None, "contact_id": str(contact)}):
        assert ask(key, body(**changes)).status_code == 202
    kept = arrive("Bob")
    merge_contacts(kept_id=kept, absorbed_id=contact, actor_id=uuid4(), now=cast.clock())
    assert ask(key, body(email=None, contact_id=str(contact))).status_code == 202
    assert OutgoingMessage.objects.latest("created_at").contact_id == kept


BAD: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no such template": ({"template": "other"}, {"template": "unknown_template"}),
    "no template": ({"template": None}, {"template": "required"}),
    "both people": ({"contact_id": str(uuid4())}, {"contact_id": "contact_id_or_email"}),
    "an address as reference": ({"reference": "a@b.org"}, {"reference": "wrong_shape"}),
    "a card as reference": ({"reference": "4111111111111111"}, {"reference": "wrong_shape"}),
    "more": ({"bcc": "eve@example.org"}, {"body": "unknown_field"}),
    "nested": ({"variables": {"invoice": {"a": 1}}}, {"variables": "wrong_shape"}),
    "undeclared": ({"variables": {**VALUES, "eve": "x"}}, {"variables": "unknown_variable"}),
    "missing": (
        {"variables": {**VALUES, "invoice": None, "amount": "12"}},
        {"variables.invoice": "required", "variables.amount": "not_a_number"},
    ),
    "card": (
        {"variables": {**VALUES, "invoice": "4111 1111 1111 1111", "amount": 4111111111111111}},
        {"variables.invoice": "card_number", "variables.amount": "card_number"},
    ),
    "script": (
        {"variables": {**VALUES, "pay_url": "javascript:alert(1)", "due_on": "31/12/2026"}},
        {"variables.pay_url": "not_a_link", "variables.due_on": "not_a_date"},
    ),
    "deceit": (
        {"variables": {**VALUES, "pay_url": "https://bank@evil.example/"}},
        {"variables.pay_url": "not_a_link"},
    ),
    "controls": (
        {"variables": {**VALUES, "invoice": "a\u202eb", "amount": True}},
        {"variables.invoice": "control_character", "variables.amount": "not_a_number"},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_said_field_by_field_and_not_repeated(name: str) -> None:
    alice()
    template()
    changes, errors = BAD[name]
    answer = ask(token(), body(**changes))
    assert answer.status_code == 422 and answer.headers["Content-Type"].startswith("application/pr")
    assert said(answer)["errors"] == errors
    assert "4111" not in answer.content.decode() and not OutgoingMessage.objects.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "NaN", "[" * 40_000, '{"template": 1e999999}', b"\xff\xfe"]
)
def test_what_is_no_request_is_refused(text: str | bytes) -> None:
    template()
    assert ask(token(), text or " ").status_code == 422


def test_what_stands_in_a_value_is_never_parsed(inbox: Inbox) -> None:
    alice()
    template()
    hostile = "{{ email }} <script>1</script>"
    assert ask(token(), body(variables={**VALUES, "invoice": hostile})).status_code == 202
    services.send_single_messages(clock=cast.clock)
    (mail,) = inbox.to(ALICE)
    html = mail.get_body(("html",))
    assert html is not None and mail["Subject"] == f"Invoice {hostile}"
    assert "<script" not in html.get_content() and "{{ email }}" in html.get_content()


def test_a_key_is_needed_and_has_a_shape() -> None:
    template()
    for key in (None, "short", "x" * 256, "with blank in it"):
        answer = ask(token(), idempotency=key)
        assert (answer.status_code, said(answer)["code"]) == (400, "idempotency_key_missing")


def test_who_may_not_ask() -> None:
    alice()
    template()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    foreign = token(name="foreign")
    ApiToken.objects.filter(name="foreign").update(networks=["127.0.0.2/32"])
    reader = token(scopes=["permissions:read"])
    over = token()
    late = token(name="late")
    ApiToken.objects.filter(name="late").update(
        created_at=yesterday - timedelta(days=1), expires_at=yesterday
    )
    officer = token(make_account("officer", "dpo"))
    expected = {
        foreign: (403, "network_not_allowed"),
        reader: (403, "scope_not_allowed"),
        late: (401, "token_not_accepted"),
        "accord_nothing": (401, "token_not_accepted"),
        officer: (403, "role_not_allowed"),
    }
    for key, refusal in expected.items():
        answer = ask(key)
        assert (answer.status_code, said(answer)["code"]) == refusal
    assert not OutgoingMessage.objects.exists() and ask(over).status_code == 202


def test_a_session_sends_nothing_so_no_other_site_can_make_a_browser_send() -> None:
    alice()
    template()
    browser = staff_client()
    answer = browser.post(
        URL, data=json.dumps(body()), content_type="application/json",
        headers={"Idempotency-Key": "order-0017"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (401, "token_required")


def test_a_token_has_its_limit_and_is_told_when_to_come_back(settings: Settings) -> None:
    settings.MESSAGES_PER_MINUTE = 3
    alice()
    template()
    account = make_account()
    key, other = token(account), token(account)
    assert [ask(key).status_code for _ in range(3)] == [202] * 3
    answer = ask(key)
    assert (answer.status_code, said(answer)["code"]) == (429, "too_many_messages")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert ask(other).status_code == 202
    assert OutgoingMessage.objects.count() == 4


def test_an_archived_template_sends_nothing_more_and_what_was_accepted_leaves(
    inbox: Inbox,
) -> None:
    alice()
    number = template()
    key = token()
    assert ask(key).status_code == 202
    archive_transactional_template(template_id=number, now=cast.clock())
    assert said(ask(key))["errors"] == {"template": "unknown_template"}
    services.send_single_messages(clock=cast.clock)
    assert len(inbox.to(ALICE)) == 1


def test_values_stand_nowhere_in_clear(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    contact = alice()
    template()
    key = token()
    values = {**VALUES, "invoice": "Zanzibar-7", "pay_url": "https://pay.example.org/Zanzibar"}
    assert ask(key, body(variables=values), idempotency="Zanzibar-key").status_code == 202
    assert ask(key, body(variables={"Zanzibar": "Zanzibar"})).status_code == 422
    services.send_single_messages(clock=cast.clock)
    assert len(inbox.to(ALICE)) == 1
    ours = [r for r in caplog.records if not r.name.startswith(("tests", "django.db", "mail."))]
    assert "Zanzibar" not in " ".join(record.getMessage() for record in ours)
    assert "alice@" not in " ".join(record.getMessage() for record in ours)
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in tables:
            statement = f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s'
            cursor.execute(statement, ["%Zanzibar%"])
            assert cursor.fetchone() == (0,), table
    # The reading is written down, under the name of the page.
    assert readings_of(subject_ids=[contact]).filter(why="api-messages").exists()
    assert Lead.objects.exists()


def test_the_document_describes_it() -> None:
    answer = Client().get("/api/v1/schema", headers={"Authorization": f"Bearer {token()}"})
    paths = answer.json()["paths"]
    send = paths["/api/v1/messages"]["post"]
    assert {"202", "400", "401", "403", "404", "409", "422", "429"} == send["responses"].keys()
    assert send["security"] == [{"token": ["messages:send"]}]
    assert "get" in paths["/api/v1/messages/{message_id}"]
    assert Delivery.objects.filter(kind=DeliveryKind.TRANSACTIONAL).count() == 0
