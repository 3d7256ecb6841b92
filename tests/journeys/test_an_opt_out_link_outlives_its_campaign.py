"""A link in a mail works for ever: after the campaign, the deliveries and the card are gone."""

from uuid import uuid4

from campaigns.models import Campaign, Delivery
from consent.models import SubjectCard, Suppression
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for


def test_saying_no_after_the_campaign_was_deleted(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"alice-{uuid4().hex[:8]}@example.org"
    acts.subscribe(stage, form, [email])
    campaign = acts.launch(form)
    acts.wait_until_finished(campaign)
    (lead,) = acts.arrivals(form)
    Delivery.objects.filter(campaign_id=campaign).delete()
    Campaign.objects.filter(id=campaign).delete()
    assert acts.one_click(stage.inbox.to(email)[-1]).status_code == 200

    wait_for(lambda: not acts.is_permitted(lead.contact_id), "the no to take effect")


def test_saying_no_after_the_person_is_no_longer_a_contact(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"alice-{uuid4().hex[:8]}@example.org"
    acts.subscribe(stage, form, [email])
    acts.wait_until_finished(acts.launch(form))
    (lead,) = acts.arrivals(form)
    SubjectCard.objects.filter(subject_id=lead.contact_id).delete()
    before = Suppression.objects.count()
    assert acts.one_click(stage.inbox.to(email)[-1]).status_code == 200
    wait_for(lambda: Suppression.objects.count() > before, "the address to be suppressed")
