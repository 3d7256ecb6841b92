"""What campaigns and bounces leave on a contact."""

from uuid import uuid4

import pytest

from crm.models import Contact, ContactCampaign, TimelineEntry
from crm.services import add_timeline, mark_unreachable, record_sent
from tests.conftest import NOW
from tests.consent.people import later
from tests.crm.people import make_contact

pytestmark = pytest.mark.django_db


def test_a_campaign_is_remembered_once_per_contact_with_when_it_was_sent_last() -> None:
    one, two, campaign = make_contact().id, make_contact().id, uuid4()
    record_sent(campaign_id=campaign, contact_ids=[one], at=NOW)
    record_sent(campaign_id=campaign, contact_ids=[one, two, uuid4()], at=later(hours=1))
    record_sent(campaign_id=campaign, contact_ids=[two], at=NOW)  # late, and no news
    rows = ContactCampaign.objects.filter(campaign_id=campaign)
    last = later(hours=1)
    assert dict(rows.values_list("contact_id", "sent_at")) == {one: last, two: last}
    told = TimelineEntry.objects.filter(kind="campaign_sent")
    assert sorted(told.values_list("contact_id", flat=True)) == sorted([one, two])
    assert {entry.reference["campaign"] for entry in told} == {str(campaign)}


def test_a_dead_address_is_marked_once_and_the_status_stays() -> None:
    contact = make_contact(status="customer")
    mark_unreachable(contact_ids=[contact.id, uuid4()], at=NOW)
    mark_unreachable(contact_ids=[contact.id], at=later(days=1))
    row = Contact.objects.get()
    assert (row.unreachable_at, row.status) == (NOW, "customer")
    assert TimelineEntry.objects.filter(kind="unreachable").count() == 1


def test_a_contact_that_is_gone_gets_no_line() -> None:
    here = make_contact().id
    add_timeline(contact_ids=[here, uuid4()], kind="note", reference={}, at=NOW, actor_id=here)
    assert TimelineEntry.objects.get().contact_id == here
