"""What the worker counts of a campaign, against the same world counted in plain Python."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from campaigns import services
from campaigns.finishing import finish_campaigns
from campaigns.models import (
    Campaign,
    CampaignResult,
    Comparison,
    Delivery,
    DeliveryState,
    MeasuredClick,
    MeasuredMessage,
    TrackedLink,
)
from campaigns.results.cells import OTHERS, Cell
from campaigns.results.counting import count, kept
from campaigns.results.figures import Figures, Returned, from_document, to_document
from campaigns.results.intervals import Share
from consent.models import LedgerEvent, Permission
from consent.services import refresh_cards
from crm.models import Contact
from privacy.services import find_by_email
from tests.campaigns import cast
from tests.campaigns.measurement import cast as measured
from tests.campaigns.results import world
from tests.campaigns.results.world import AGREED, EVERYBODY, FIRST_DAY
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def campaign() -> UUID:
    return world.campaign()


def _counted(campaign: UUID) -> Figures:
    services.count_results(clock=cast.clock)
    figures, row = kept(campaign_id=campaign)
    assert figures is not None
    assert row is not None
    return figures


def test_every_figure_is_what_the_world_says(campaign: UUID) -> None:
    figures = _counted(campaign)
    assert figures == count(campaign_id=campaign)
    # The account: everybody is in it once.
    states = Counter(each.state.label for each in EVERYBODY)
    assert {state: n for state, n in figures.counts.items() if n} == states
    assert (figures.audience, figures.open) == (40, 1)
    assert figures.counts == services.progress(campaign_id=campaign).counts
    assert figures.reasons("skipped") == {"withdrawn": 1, "suppressed": 1}
    assert figures.codes() == {
        ("bounced", "rejected", "550 5.1.1"): 2,
        ("bounced", "returned", "5.2.2 mailbox_full"): 1,
        ("failed", "deferred_too_long", "451 4.7.1"): 1,
    }
    sent = Counter(e.variant for e in EVERYBODY if e.state == DeliveryState.SENT)
    assert {n: figures.messages("sent", variant=n) for n in figures.variants} == sent
    assert figures.bounced() == Share(3, 35)
    assert figures.bounced(0) == Share(2, 18)
    # Whoever said no at once, and nobody else of the four who did.
    assert figures.ways_out() == {"one_click_post": 1}
    assert figures.opted_out() == Share(1, 32)
    assert (figures.opted_out(0), figures.opted_out(1)) == (Share(0, 16), Share(1, 16))
    assert list(figures.returned) == [
        Returned("complaint", "", "", 1),
        Returned("reply", "", "", 1),
        Returned("soft_bounce", "mailbox_full", "5.2.2", 1),
    ]
    assert figures.complained() == Share(1, 32)
    _grounds(figures)
    _measured(figures)


def _grounds(figures: Figures) -> None:
    passed = Delivery.objects.filter(campaign__state="running", justification_seq__isnull=False)
    events = LedgerEvent.objects.in_bulk(list(passed.values_list("justification_seq", flat=True)))
    expected = Counter(
        (event.basis, event.event_state, event.method)
        for event in (events[row.justification_seq] for row in passed if row.justification_seq)
    )
    found = {(each.basis, each.event, each.method): each.messages for each in figures.grounds}
    assert found == expected
    assert sum(found.values()) == 36
    assert {basis for basis, _event, _way in found} == {"A6-1-a"}


def _measured(figures: Figures) -> None:
    assert figures.measured is not None
    assert figures.measured.all == world.cell("", AGREED) == Cell("", 24, 8, 4)
    groups = figures.measured.groups
    assert groups["language"] == [
        world.cell(code, [e for e in AGREED if e.language == code]) for code in ("fr", "en")
    ]
    assert groups["country"] == [
        world.cell("FR", [e for e in AGREED if e.country == "FR"]),
        world.cell(OTHERS, [e for e in AGREED if e.country != "FR"]),
    ]
    assert groups["variant"] == [
        world.cell(str(n), [e for e in AGREED if e.variant == n]) for n in (0, 1)
    ]
    days = Counter(e.opened_on for e in AGREED if e.opened_on)
    assert list(figures.measured.opened_on) == sorted(days.items())
    assert list(figures.measured.clicked_on) == [(FIRST_DAY, 4)]
    followed = Counter(position for e in AGREED for position in e.links)
    links = TrackedLink.objects.filter(campaign__state="running").order_by("position")
    assert list(figures.measured.links) == [
        (link.url, followed.get(link.position, 0)) for link in links
    ]


def test_figures_are_kept_as_they_were_counted(campaign: UUID) -> None:
    figures = count(campaign_id=campaign)
    document = to_document(figures)
    assert from_document(document) == figures
    assert from_document({**document, "version": 0}) is None
    text = str(_kept_document(campaign))
    for contact in Contact.objects.values_list("id", flat=True):
        assert str(contact) not in text


def _kept_document(campaign: UUID) -> object:
    services.count_results(clock=cast.clock)
    return CampaignResult.objects.get(campaign=campaign).figures


def test_a_withdrawal_takes_the_figures_of_sent_mail_with_it(campaign: UUID) -> None:
    before = _counted(campaign)
    reader = EVERYBODY[0]  # opened it, and followed two links
    contact = find_by_email(emails=[reader.email])[reader.email]
    clicks, messages = MeasuredClick.objects.count(), MeasuredMessage.objects.count()
    measured.decide(contact, reader.email, {"email_measurement": "no"})
    refresh_cards(now=cast.clock())
    assert services.forget_measures() == 1
    assert MeasuredMessage.objects.count() == messages - 1
    assert MeasuredClick.objects.count() == clicks - len(reader.links)
    after = _counted(campaign)  # due at once, whatever was planned
    assert before.measured is not None
    assert after.measured is not None
    assert before.measured.all == Cell("", 24, 8, 4)
    assert after.measured.all == Cell("", 23, 7, 3)
    assert [n for _url, n in after.measured.links][:2] == [
        n - 1 for _url, n in before.measured.links
    ][:2]


def test_of_fewer_than_ten_who_agree_nothing_is_kept(campaign: UUID) -> None:
    agreed = Permission.objects.filter(purpose="email_measurement", channel="email")
    some = list(agreed.values_list("subject_id", flat=True)[:15])
    agreed.filter(subject_id__in=some).update(state="ConsentWithdrawn")
    assert _counted(campaign).measured is None
    document = CampaignResult.objects.get(campaign=campaign).figures
    assert document is not None
    assert document["measured"] is None


def test_a_restricted_person_is_in_no_figure_of_openings(campaign: UUID) -> None:
    one = MeasuredMessage.objects.order_by("delivery_id")[0].contact_id
    Contact.objects.filter(id=one).update(restricted_at=NOW)
    figures = _counted(campaign)
    assert figures.measured is not None
    assert figures.measured.all.people == 23


def test_variants_are_not_told_apart_before_the_one_look(campaign: UUID) -> None:
    test = Comparison.objects.create(
        campaign_id=campaign, variants=2, sample_percent=100, rule="opens", wait_minutes=60
    )
    blind = count(campaign_id=campaign)
    assert blind.variants == [0]
    assert blind.bounced() == Share(3, 35)
    assert {each.variant for each in blind.opt_outs} == {0}
    assert blind.measured is not None
    assert "variant" not in blind.measured.groups
    test.winner, test.decided_at, test.outcome = 0, cast.clock(), "no_difference"
    test.save()
    seen = count(campaign_id=campaign)
    assert seen.variants == [0, 1]
    assert seen.measured is not None
    assert len(seen.measured.groups["variant"]) == 2


# --- when it is counted ---------------------------------------------------------------------------


def test_a_campaign_is_counted_when_due_and_not_before() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    assert kept(campaign_id=campaign) == (None, None)
    assert services.count_results(clock=cast.clock) == 1
    assert services.count_results(clock=cast.clock) == 0
    later = cast.clock() + timedelta(seconds=31)
    assert services.count_results(clock=lambda: later) == 1
    Campaign.objects.filter(id=campaign).update(state="finished", launched_at=later)
    again = later + timedelta(seconds=31)
    assert services.count_results(clock=lambda: again) == 1
    row = CampaignResult.objects.get(campaign=campaign)
    assert row.counted_at == again
    assert row.due_at == again + timedelta(minutes=5)


@pytest.mark.parametrize(("days", "hours"), [(4, 1), (36, 24)])
def test_the_older_the_campaign_the_longer_the_pause(days: int, hours: int) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    now = cast.clock()
    Campaign.objects.filter(id=campaign).update(
        state="finished", launched_at=now - timedelta(days=days)
    )
    services.count_results(clock=lambda: now)
    assert CampaignResult.objects.get().due_at == now + timedelta(hours=hours)


def test_somebody_may_ask_for_it_at_once() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    assert not services.count_again(campaign_id=campaign, now=cast.clock())
    services.count_results(clock=cast.clock)
    assert services.count_again(campaign_id=campaign, now=cast.clock())
    assert services.count_again(campaign_id=campaign, now=cast.clock())
    assert services.count_results(clock=cast.clock) == 1


def test_a_campaign_that_ends_is_counted_at_once() -> None:
    cast.subscribers(2)
    made = cast.launched()
    services.count_results(clock=cast.clock)
    figures, row = kept(campaign_id=made)
    assert figures is not None and row is not None
    assert row.due_at > cast.clock()
    Delivery.objects.filter(campaign=made).update(state=DeliveryState.SENT)
    assert finish_campaigns(campaign_id=made, now=cast.clock()) == [made]
    assert services.count_results(clock=cast.clock) == 1


def test_figures_of_an_older_shape_are_counted_anew() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    services.count_results(clock=cast.clock)
    rows = CampaignResult.objects.filter(campaign=campaign)
    rows.update(version=0, figures={"version": 0}, due_at=cast.clock() + timedelta(days=1))
    assert kept(campaign_id=campaign)[0] is None
    assert services.count_results(clock=cast.clock) == 1
    figures, _row = kept(campaign_id=campaign)
    assert figures is not None
    assert figures.audience == 1


def test_a_draft_is_not_counted() -> None:
    cast.draft()
    assert services.count_results(clock=cast.clock) == 0
    assert not CampaignResult.objects.exists()
