"""The page of what came back: figures, what waits, and the button that puts an address right."""

import pytest
from django.urls import reverse

from campaigns.models import Return
from crm.models import Contact, TimelineEntry
from crm.services import mark_unreachable
from tests.campaigns.pages.desk import browser, read
from tests.campaigns.returns.cast import sent
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "inbox"),
]


def test_nothing_came_back_yet() -> None:
    page = read(browser(), "return-list")
    assert "Nothing came back" in page
    assert "Nothing waits" in page


def test_what_waits_is_looked_at_as_text_and_then_closed() -> None:
    one = sent()
    raw = one.sample("daemon_unknown_text") + b"\r\n<script>alert(1)</script>\r\n"
    from campaigns.returns.mail import take_mail
    from tests.campaigns.cast import clock
    from tests.campaigns.returns.cast import settle

    take_mail(content=raw, recipients=[], now=clock())
    settle()
    one.bounces("postfix_unknown_user")
    client = browser()
    page = read(client, "return-list")
    assert "Not recognised" in page
    assert "Bounced for good" in page
    row = Return.objects.get(kind="unknown")
    shown = read(client, "return", row.id)
    assert "Zarquon frobnicates" in shown
    assert "<script>alert" not in shown
    assert client.post(reverse("return-looked", args=[row.id])).status_code == 302
    row.refresh_from_db()
    assert row.looked_by is not None
    assert str(row.id) not in read(client, "return-list")


def test_sales_see_that_something_waits_and_not_its_words() -> None:
    one = sent()
    row = one.bounces("daemon_unknown_text")
    client = browser("sales")
    assert str(row.id) not in read(client, "return-list")
    read(client, "return", row.id, status=403)


def test_staff_say_that_an_address_is_right_again() -> None:
    one = sent()
    mark_unreachable(contact_ids=[one.contact_id], at=NOW)
    client = browser()
    assert "The address is right again" in read(client, "contact", one.contact_id)
    client.post(reverse("contact-reachable", args=[one.contact_id]))
    assert Contact.objects.get().unreachable_at is None
    assert TimelineEntry.objects.filter(kind="reachable").get().actor_id is not None
