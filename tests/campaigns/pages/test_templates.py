"""Templates: written, started from, put away and brought back."""

import pytest
from django.urls import reverse

from campaigns.models import Template
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def _words(**changed: str) -> dict[str, str]:
    return {"name": "Ours", "language": "en", "mjml": desk.good_mjml(), **changed}


def test_a_new_one_begins_with_a_ready_made_mail() -> None:
    client = browser()
    page = client.get(reverse("template-new"), {"from": "event.fr"})
    assert page.context["form"]["language"].value() == "fr"
    assert "mj-body" in page.context["form"]["mjml"].value()
    done = client.post(reverse("template-new"), _words())
    made = Template.objects.get()
    assert done.headers["Location"] == reverse("template-edit", args=[made.id])
    assert "Ours" in desk.read(client, "template-list")
    assert "Ours" in desk.read(client, "campaign-start")


def test_a_broken_one_is_kept_with_its_mistakes() -> None:
    client = browser()
    client.post(reverse("template-new"), _words(mjml=desk.BROKEN))
    made = Template.objects.get()
    assert made.mjml == desk.BROKEN
    html = desk.read(client, "template-edit", made.id)
    assert 'data-campaigns-line="3"' in html
    shown = client.get(reverse("template-preview", args=[made.id]))
    assert "Line 3, column 2" in shown.content.decode()
    assert "sandbox" in shown.headers["Content-Security-Policy"]


def test_what_cannot_be_kept_is_pointed_at() -> None:
    client = browser()
    answer = client.post(reverse("template-new"), _words(name=" "))
    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert not Template.objects.exists()


def test_archiving_can_be_undone() -> None:
    client = browser()
    client.post(reverse("template-new"), _words())
    made = Template.objects.get()
    page = client.post(reverse("template-archive", args=[made.id]), follow=True)
    text = page.content.decode()
    assert "“Ours” is archived." in text
    assert reverse("template-restore", args=[made.id]) in text
    assert not page.context["templates"]
    assert client.get(reverse("template-edit", args=[made.id])).status_code == 404
    assert "Ours" not in desk.read(client, "campaign-start")
    back = client.post(reverse("template-restore", args=[made.id]), follow=True)
    assert [each.id for each in back.context["templates"]] == [made.id]


def test_the_live_findings_of_a_template_hold_no_line_of_an_inbox() -> None:
    given = _words()
    fragment = browser().post(reverse("mail-findings"), given).content.decode()
    assert "inbox-line" not in fragment
