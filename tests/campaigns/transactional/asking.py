"""Another system that asks for messages: its token, its requests, and templates to ask for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.test import Client

from campaigns.transactional.filling import Words
from campaigns.transactional.templates import Design, create_transactional_template
from campaigns.transactional.variables import read_declaration
from consent.services import seed_purposes
from crm.accounts.tokens import make_token
from crm.models import Account
from tests.campaigns import cast
from tests.conftest import NOW
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import make_account

ALICE = "alice@example.org"
URL = "/api/v1/messages"
VARIABLES = "invoice text\namount number\ndue_on date\npay_url link\nnote text optional"
TEXT = (
    "Dear {{ first_name }},\n\ninvoice {{ invoice }} of {{ amount }} euros is due on "
    "{{ due_on }}: {{ pay_url }}\n{{ note }}"
)
VALUES: dict[str, Any] = {
    "invoice": "F-2026-11", "amount": 12.5, "due_on": "2026-12-31",
    "pay_url": "https://pay.example.org/x?a=1&b=2",
}  # fmt: skip


def design(**changes: Any) -> Design:
    english = Words("en", "Invoice {{ invoice }}", TEXT)
    words = [english, Words("fr", "Facture", "Voir {{ pay_url }}")]
    facts: dict[str, Any] = {
        "name": "Invoice", "purpose": "service_information", "ground": "contract",
        "variables": read_declaration(VARIABLES), "versions": words,
    }  # fmt: skip
    return Design(**{**facts, **changes})


def template(code: str = "invoice", **changes: Any) -> UUID:
    seed_purposes(now=NOW)
    return create_transactional_template(
        code=code, design=design(**changes), actor_id=UUID(int=1), now=cast.clock()
    )


def alice() -> UUID:
    seed_purposes(now=NOW)
    return arrive("Alice")


def token(account: Account | None = None, **changes: Any) -> str:
    now = datetime.now(UTC)
    facts: dict[str, Any] = {
        "account": account or make_account(f"shop-{uuid4().hex[:6]}"), "name": "shop",
        "scopes": ["messages:send"], "networks": ["127.0.0.1/32"],
        "expires_at": now + timedelta(days=1), "now": now,
    }  # fmt: skip
    return make_token(**{**facts, **changes})


def body(**changes: Any) -> dict[str, Any]:
    facts = {"template": "invoice", "language": "en", "email": ALICE, "variables": VALUES}
    return {name: value for name, value in {**facts, **changes}.items() if value is not None}


def ask(
    key: str, document: object | None = None, *, idempotency: str | None = "", **more: Any
) -> HttpResponse:
    """POST as the other system does; a fresh Idempotency-Key unless one is given."""
    headers = {"Authorization": f"Bearer {key}"}
    if idempotency is not None:
        headers["Idempotency-Key"] = idempotency or f"order-{uuid4().hex}"
    text = document if isinstance(document, str | bytes) else json.dumps(document or body())
    answer = Client().post(
        URL, data=text, content_type="application/json", headers={**headers, **more}
    )
    assert isinstance(answer, HttpResponse)
    return answer


def look(key: str, number: str) -> HttpResponse:
    answer = Client().get(f"{URL}/{number}", headers={"Authorization": f"Bearer {key}"})
    assert isinstance(answer, HttpResponse)
    return answer


def said(answer: HttpResponse) -> dict[str, Any]:
    found = json.loads(answer.content)
    assert isinstance(found, dict)
    return found
