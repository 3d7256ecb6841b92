"""Tokens of the staff API: what one opens, from where, how long, and never more than its owner."""

import hashlib
import ipaddress
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from crm.accounts import directory, recovery, tokens
from crm.accounts.tokens import NotGivable, TokenUnknown, TooManyTokens
from crm.models import Account, ApiToken, ApiTokenUse, Contact, SecurityEvent
from crm.step_up import CONFIRMED
from privacy.services import approve
from tests.crm.staff import (
    close_account,
    give_new_password,
    make_account,
    reopen_account,
    set_session,
    signed_in,
    staff_client,
)

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
YEAR = timedelta(days=365)
SCOPES = ["permissions:read", "records:read", "proofs:read"]


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def contact() -> Contact:
    now = datetime.now(UTC)
    dates = dict.fromkeys(("created_at", "updated_at", "last_act_at"), now)
    return Contact.objects.create(
        id=uuid4(), language="fr", source="form", has_email=True, has_phone=False, **dates
    )


def make(account: Account, **changes: object) -> str:
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "name": "nightly",
        "scopes": SCOPES,
        "networks": ["127.0.0.1/32"],
        "expires_at": now + YEAR,
        "now": now,
    }
    return tokens.make_token(account=account, **{**fields, **changes})  # type: ignore[arg-type]


def ask(token: str, contact: Contact, name: str = "contact-permissions") -> HttpResponse:
    answer = Client().get(
        reverse(name, args=[contact.pk]), headers={"Authorization": f"Bearer {token}"}
    )
    assert isinstance(answer, HttpResponse)
    return answer


def refused(answer: HttpResponse) -> tuple[int, str]:
    """The status and code of a refusal, which holds nothing else."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body.keys() == {"type", "title", "status", "code"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


@given(st.binary(max_size=80).map(lambda b: b.decode("latin-1")) | st.text(max_size=80))
def test_nothing_but_a_token_is_well_formed(text: str) -> None:
    assert not tokens.is_well_formed(text)


def test_a_token_is_256_random_bits_with_a_prefix_and_a_checksum() -> None:
    made = {tokens.new_token() for _ in range(50)}
    assert len(made) == 50
    for token in made:
        assert token.startswith("accord_")
        assert len(token) == len("accord_") + 43 + 6
        assert tokens.is_well_formed(token)
        changed = "0" if token[20] != "0" else "1"
        assert not tokens.is_well_formed(token[:20] + changed + token[21:])


def test_only_the_digest_is_kept(account: Account) -> None:
    token = make(account)
    row = ApiToken.objects.get()
    assert row.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert token[7:20] not in json.dumps(list(ApiToken.objects.values()), default=str)


def test_a_token_opens_what_its_scopes_say_and_nothing_else(
    account: Account, contact: Contact
) -> None:
    token = make(account, scopes=["permissions:read"])
    answer = ask(token, contact)
    assert answer.status_code == 200
    assert json.loads(answer.content)["contact_id"] == str(contact.pk)
    assert refused(ask(token, contact, "contact-records")) == (403, "scope_not_allowed")
    # No page takes it.
    pages = Client().get(reverse("contact-list"), headers={"Authorization": f"Bearer {token}"})
    assert pages.headers["Location"].startswith(reverse("sign-in"))


def test_a_token_never_exceeds_the_role_of_its_owner(contact: Contact) -> None:
    owner = make_account("com", "communication")
    token = make(owner)
    assert ask(token, contact).status_code == 200
    assert refused(ask(token, contact, "contact-records")) == (403, "role_not_allowed")
    owner.role = "support"
    owner.save()
    assert refused(ask(token, contact)) == (403, "role_not_allowed")


def test_a_token_and_a_session_get_the_same_answer(account: Account, contact: Contact) -> None:
    by_token = ask(make(account), contact)
    url = reverse("contact-permissions", args=[contact.pk])
    by_session = signed_in(account).get(url, headers={"Accept-Language": "fr"})
    assert json.loads(by_token.content)["permissions"] == by_session.json()["permissions"]


def test_a_wrong_token_beside_a_right_session_is_refused(
    account: Account, contact: Contact
) -> None:
    answer = signed_in(account).get(
        reverse("contact-permissions", args=[contact.pk]),
        headers={"Authorization": f"Bearer {tokens.new_token()}"},
    )
    assert refused(answer) == (401, "token_not_accepted")  # type: ignore[arg-type]


def _expire(account: Account) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    ApiToken.objects.update(created_at=past, expires_at=past + timedelta(days=1))


def _revoke(account: Account) -> None:
    token = ApiToken.objects.get()
    tokens.revoke_token(account=account, token_id=token.pk, now=datetime.now(UTC))


def _close(account: Account) -> None:
    close_account(account.username)


def _new_password(account: Account) -> None:
    give_new_password(account.username)


def _last_day(account: Account) -> None:
    Account.objects.update(ends_on=timezone.localdate() - timedelta(days=1))


@pytest.mark.parametrize("end", [_expire, _revoke, _close, _new_password, _last_day])
def test_a_token_ends(account: Account, contact: Contact, end: Callable[[Account], None]) -> None:
    token = make(account)
    assert ask(token, contact).status_code == 200
    end(account)
    assert refused(ask(token, contact)) == (401, "token_not_accepted")


def test_a_token_works_on_the_last_day_of_its_account(account: Account, contact: Contact) -> None:
    token = make(account)
    Account.objects.update(ends_on=timezone.localdate())
    assert ask(token, contact).status_code == 200


def _close_and_reopen(account: Account) -> None:
    close_account(account.username)
    reopen_account(account.username)


def _another_role(account: Account) -> None:
    now = datetime.now(UTC)
    directory.change_role(account_id=account.pk, role="sales", actor_id=None, now=now)


def _reset(account: Account) -> None:
    now = datetime.now(UTC)
    asked = recovery.ask_reset(account=account, requested_by=uuid4(), now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    recovery.reset_second_factor(account=account, approval_id=asked, now=now)


@pytest.mark.parametrize("act", [_close_and_reopen, _new_password, _another_role, _reset])
def test_what_ends_sessions_ends_tokens_for_good(
    account: Account, contact: Contact, act: Callable[[Account], None]
) -> None:
    token, mine = make(account), make(make_account("robin"))
    act(account)
    Account.objects.filter(pk=account.pk).update(must_change_password=False, role="marketing")
    assert refused(ask(token, contact)) == (401, "token_not_accepted")
    assert ask(mine, contact).status_code == 200
    assert SecurityEvent.objects.get(kind="token_revoked").reference == {"tokens": 1}


@pytest.mark.parametrize("shown", ["", "Bearer", "Basic dTpw", "Bearer accord_", "Token x"])
def test_what_is_no_token_is_refused(contact: Contact, shown: str) -> None:
    url = reverse("contact-permissions", args=[contact.pk])
    answer = Client().get(url, headers={"Authorization": shown})
    assert refused(answer) == (401, "token_not_accepted")  # type: ignore[arg-type]


def test_a_token_is_bound_to_its_own_networks_and_to_those_of_the_staff(
    account: Account, contact: Contact, settings: Settings
) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    token = make(account, networks=["10.1.0.0/16"])
    url = reverse("contact-permissions", args=[contact.pk])
    headers = {"Authorization": f"Bearer {token}"}
    right = Client().get(url, headers=headers, REMOTE_ADDR="10.1.2.3")
    assert right.status_code == 200
    other = Client().get(url, headers=headers, REMOTE_ADDR="10.2.2.3")
    assert refused(other) == (403, "network_not_allowed")  # type: ignore[arg-type]
    spoofed = {**headers, "X-Forwarded-For": "10.1.2.3"}
    other = Client().get(url, headers=spoofed, REMOTE_ADDR="10.2.2.3")
    assert other.status_code == 403
    outside = Client().get(url, headers=headers, REMOTE_ADDR="203.0.113.9")
    assert outside.content == b"403 Forbidden\n"  # the gate of the networks, before any of this


@pytest.mark.parametrize(
    "changes",
    [
        {"networks": ["0.0.0.0/0"]},
        {"networks": ["127.0.0.0/8"]},
        {"networks": ["::1/128"]},
        {"networks": ["office"]},
        {"networks": []},
        {"scopes": []},
        {"expires_at": datetime.now(UTC) + timedelta(days=400)},
        {"expires_at": datetime.now(UTC) - timedelta(days=1)},
    ],
)
def test_what_no_account_may_give(account: Account, changes: dict[str, object]) -> None:
    with pytest.raises(NotGivable):
        make(account, **changes)
    assert not ApiToken.objects.exists()


def test_the_database_knows_the_year_as_well(account: Account) -> None:
    make(account)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(expires_at=datetime.now(UTC) + timedelta(days=400))


def test_twenty_living_tokens_are_the_most(account: Account) -> None:
    for _number in range(tokens.TOKENS_MAX):
        make(account)
    with pytest.raises(TooManyTokens):
        make(account)


def test_every_use_is_kept_by_ids_and_the_token_says_the_day_alone(
    account: Account, contact: Contact
) -> None:
    token = make(account)
    ask(token, contact)
    ask(token, contact, "contact-records")
    uses = ApiTokenUse.objects.order_by("at")
    assert [use.scope for use in uses] == ["permissions:read", "records:read"]
    assert uses[0].reference == {"contact_id": str(contact.pk)}
    assert ApiToken.objects.get().last_used_date == datetime.now(UTC).date()


def test_refusals_are_kept_and_limited_but_a_right_token_still_works(
    account: Account, contact: Contact, settings: Settings
) -> None:
    token = make(account)
    for _attempt in range(settings.TOKEN_REFUSALS):
        assert refused(ask(tokens.new_token(), contact))[0] == 401
    answer = ask(tokens.new_token(), contact)
    assert refused(answer) == (429, "too_many_refusals")
    assert answer.headers["Retry-After"] == "900"
    assert SecurityEvent.objects.filter(kind="token_refused").count() == settings.TOKEN_REFUSALS
    assert ask(token, contact).status_code == 200


def test_an_unknown_contact_is_a_problem_without_a_page(account: Account) -> None:
    token = make(account)
    answer = Client().get(
        reverse("contact-permissions", args=[uuid4()]), headers={"Authorization": f"Bearer {token}"}
    )
    assert refused(answer) == (404, "not_found")  # type: ignore[arg-type]
    nowhere = Client().get("/api/v1/contacts/nobody/permissions")
    assert refused(nowhere) == (404, "not_found")  # type: ignore[arg-type]


def test_nobody_revokes_the_token_of_somebody_else(account: Account) -> None:
    make(account)
    token, other = ApiToken.objects.get(), make_account("robin")
    with pytest.raises(TokenUnknown):
        tokens.revoke_token(account=other, token_id=token.pk, now=datetime.now(UTC))
    answer = signed_in(other).post(reverse("token-revoke", args=[token.pk]))
    assert answer.status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def _fields(**changes: object) -> dict[str, object]:
    fields = {"name": "export", "scopes": ["permissions:read"], "networks": "127.0.0.1/32"}
    return {**fields, "days": "30", **changes}


def test_the_page_makes_a_token_shown_once_and_revokes_it(
    account: Account, contact: Contact
) -> None:
    client = signed_in(account)
    page = client.post(reverse("token-new"), _fields()).content.decode()
    token = page.split('id="token">')[1].split("<")[0]
    assert ask(token, contact).status_code == 200
    page = client.get(reverse("token-list")).content.decode()
    assert "export" in page
    assert "Pourquoi et pour quoi un contact peut être joint" in page
    assert token not in page
    row = ApiToken.objects.get()
    client.post(reverse("token-revoke", args=[row.pk]))
    assert ask(token, contact).status_code == 401
    kinds = SecurityEvent.objects.values_list("kind", flat=True).order_by("at")
    assert list(kinds) == ["token_made", "token_revoked", "token_refused"]


@pytest.mark.parametrize(
    "changes", [{"networks": "0.0.0.0/0"}, {"days": "3650"}, {"scopes": ["everything"]}]
)
def test_the_page_refuses_what_may_not_be_given(
    account: Account, changes: dict[str, object]
) -> None:
    answer = signed_in(account).post(reverse("token-new"), _fields(**changes))
    assert answer.status_code == 200
    assert b"accord-error" in answer.content
    assert not ApiToken.objects.exists()


def test_a_role_is_offered_only_what_it_may_read() -> None:
    page = staff_client("communication").get(reverse("token-new")).content.decode()
    assert "permissions:read" in page
    assert "proofs:read" not in page
    assert staff_client("support", username="s").get(reverse("token-list")).status_code == 403


def test_making_and_revoking_need_the_second_factor_again(account: Account) -> None:
    make(account)
    client = signed_in(account)
    set_session(client, **{CONFIRMED: 0.0})
    for url in (reverse("token-new"), reverse("token-revoke", args=[ApiToken.objects.get().pk])):
        answer = client.post(url, _fields())
        assert answer.headers["Location"].startswith(reverse("confirm"))
    assert ApiToken.objects.get().revoked_at is None


def test_the_document_describes_every_address_of_machines(account: Account) -> None:
    token = make(account)
    answer = Client().get(reverse("api-schema"), headers={"Authorization": f"Bearer {token}"})
    described = json.loads(answer.content)
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        "/api/v1/schema",
        "/api/v1/contacts/{contact_id}/permissions",
        "/api/v1/contacts/{contact_id}/records",
        "/api/v1/contacts/{contact_id}/proofs/{purpose}/{channel}",
        "/api/v1/campaigns/{campaign_id}/messages/{contact_id}/proof",
        "/api/v1/leads",
        "/api/v1/leads/{lead_id}",
        "/api/v1/messages",
        "/api/v1/messages/{message_id}",
    }
    for path, operations in described["paths"].items():
        ((method, operation),) = operations.items()
        assert method == ("post" if path == "/api/v1/messages" else "get")
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert all(f"{{{name}}}" in path for name in named)
        assert path.count("{") == len(named)
        assert operation["summary"]
        done = "202" if method == "post" else "200"
        assert {done, "401", "403", "404", "429"} <= operation["responses"].keys()
    assert Client().get(reverse("api-schema")).status_code == 401
