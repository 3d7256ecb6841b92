"""Fields that a form does not have are not believed (mass assignment; ASVS 15.3.3)."""

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign, Template
from crm.models import Account, Contact, Lead, Segment
from privacy.models import Envelope
from tests.attacks.world import World
from tests.campaigns.pages import desk
from tests.crm.staff import PASSWORD, make_account, signed_in
from tests.forms_intake import cast as forms

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
ROOT = Path(__file__).resolve().parents[2]
_ELSEWHERE = str(uuid4())
EXTRA = {
    "id": _ELSEWHERE,
    "pk": _ELSEWHERE,
    "role": "administrator",
    "is_active": "",
    "is_superuser": "on",
    "is_staff": "on",
    "must_change_password": "",
    "username": "root",
    "created_by": _ELSEWHERE,
    "actor_id": _ELSEWHERE,
    "created_at": "2001-01-01T00:00:00Z",
    "launched_at": "2001-01-01T00:00:00Z",
    "archived_at": "2001-01-01T00:00:00Z",
    "restricted_at": "",
    "audience_size": "9",
    "has_email": "",
    "organisation": _ELSEWHERE,
    "contact": _ELSEWHERE,
    "form_code": "other",
    "is_professional": "",
}


def _row(model: type[Model], key: object) -> dict[str, Any]:
    return dict(model._default_manager.filter(pk=key).values().get())


def test_an_account_changes_what_its_pages_ask_and_nothing_else(world: World) -> None:
    account = make_account()
    client = signed_in(account)
    before, accounts = _row(Account, account.pk), Account.objects.count()
    client.post(reverse("language"), {"language": "en", **EXTRA})
    new = "quite another phrase of words"
    client.post(
        reverse("change-password"), {**EXTRA, "current": PASSWORD, "new": new, "again": new}
    )
    after = _row(Account, account.pk)
    assert {name for name, value in after.items() if before[name] != value} == {
        "language",
        "password",
    }
    assert Account.objects.count() == accounts


def test_contacts_and_leads_change_by_what_was_asked_only(world: World) -> None:
    account = make_account()
    client = signed_in(account)
    before, lead = _row(Contact, world.contact), _row(Lead, world.lead)
    posts = [
        (f"/contacts/{world.contact}/status", {"status": "customer"}, Contact, world.contact),
        (f"/contacts/{world.contact}/tag", {"title": "vip"}, Contact, world.contact),
        (f"/leads/{world.lead}/state", {"state": "in_progress"}, Lead, world.lead),
        (f"/leads/{world.lead}/assign", {}, Lead, world.lead),
    ]
    for url, asked, _model, _key in posts:
        assert client.post(url, {**EXTRA, **asked}).status_code in {200, 302, 400}, url
    after = _row(Contact, world.contact)
    assert {name for name in after if after[name] != before[name]} <= {"status", "updated_at"}
    now = _row(Lead, world.lead)
    assert {name for name in now if now[name] != lead[name]} <= {"state", "assigned_to_id"}
    assert now["assigned_to_id"] in {None, account.pk}


def test_campaigns_templates_and_segments_stay_what_they_are(world: World) -> None:
    client = signed_in(make_account())
    kept = {
        Campaign: (world.draft, f"/campaigns/{world.draft}/edit", desk.words()),
        Template: (
            world.template,
            f"/templates/{world.template}/",
            {"name": "Ours", "language": "en", "mjml": desk.good_mjml()},
        ),
        Segment: (
            world.segment,
            f"/segments/{world.segment}/",
            {"name": "All of them", "do": "save", "r.match": "all"},
        ),
    }
    for model, (key, url, asked) in kept.items():
        before = _row(model, key)
        more = {name: value for name, value in EXTRA.items() if name not in asked}
        extra = {**more, "state": "finished", **asked}
        assert client.post(url, extra).status_code in {200, 302}, url
        after = _row(model, key)
        changed = {name for name in after if after[name] != before[name]}
        assert changed <= {*asked, "updated_at", "purpose_id", "segment_id", "rules"}, model
        assert not model._default_manager.filter(pk=_ELSEWHERE).exists()


def test_the_public_api_takes_no_field_that_the_form_does_not_ask(
    world: World, visitor: Client
) -> None:
    document = forms.projected()
    for body in (
        {**forms.body(document), **EXTRA},
        forms.body(document, fields={"email": forms.ALICE, "family_name": "M", **EXTRA}),
    ):
        answer = visitor.post(
            "/api/v1/forms/contact/submissions",
            json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )
        assert answer.status_code == 422, answer.content
    assert not Envelope.objects.filter(kind="lead").exists()


def test_no_form_is_made_of_a_model() -> None:
    """Each field that a page takes is written down in its form."""
    words = ("ModelForm", "ModelSerializer", "modelform_factory", "ModelFormMixin")
    apps = ["privacy", "consent", "crm", "forms_intake", "campaigns"]
    for word in words:
        found = subprocess.run(
            ["grep", "-rlw", "--include=*.py", word, *apps],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert found.stdout == b"", word
