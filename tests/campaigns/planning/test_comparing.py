"""A/B tests: who gets which variant, when it is decided, and that nobody is lost or sent two."""

from collections import Counter
from datetime import timedelta
from hashlib import md5
from uuid import UUID

import pytest

from campaigns import services
from campaigns.drafts import ChangedMeanwhile, NotADraft
from campaigns.models import (
    Campaign,
    CompiledContent,
    Delivery,
    DeliveryState,
    MeasuredMessage,
)
from campaigns.planning.comparing import shares
from campaigns.services import AlreadyChosen, NotReady, NotYet
from consent.models import Permission
from tests.campaigns import cast
from tests.campaigns.measurement.cast import MEASUREMENT
from tests.campaigns.planning.cast import (
    MINUTE,
    adds_up,
    compared,
    comparison,
    crowd,
    sample_is_sent,
    started,
    state,
)
from tests.conftest import NOW
from tests.consent import people
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
HOUR = timedelta(hours=1)


def _drawn(campaign: UUID, contact: UUID, sample: float, variants: int) -> tuple[int, int]:
    """(state, variant) as docs/delivery.md describes the draw."""
    digest = md5(f"{campaign}{contact}".encode(), usedforsecurity=False).hexdigest()
    if int(digest[:8], 16) / 2**32 < sample:
        return DeliveryState.QUEUED, int(digest[8:16], 16) % variants
    return DeliveryState.HELD, 0


def test_everybody_is_drawn_by_the_digest_that_is_documented() -> None:
    cast.subscribers(40)
    campaign = started(compared(variants=3, sample_percent=60))
    rows = Delivery.objects.filter(campaign_id=campaign)
    for row in rows:
        assert (row.state, row.variant) == _drawn(campaign, row.contact_id, 0.6, 3)
    assert {row.state for row in rows} == {DeliveryState.QUEUED, DeliveryState.HELD}
    account = services.progress(campaign_id=campaign)
    assert account.counts["held"] + account.counts["queued"] == account.audience == 40
    assert account.open == 40
    adds_up(campaign)


def test_the_draw_is_even() -> None:
    """Of ten thousand: the sample and each variant within four standard deviations."""
    campaign = UUID(int=7)
    drawn = Counter(_drawn(campaign, UUID(int=n), 0.2, 4) for n in range(10_000))
    sample = sum(count for (held, _v), count in drawn.items() if held == DeliveryState.QUEUED)
    assert abs(sample - 2000) < 4 * (10_000 * 0.2 * 0.8) ** 0.5
    for variant in range(4):
        assert abs(drawn[DeliveryState.QUEUED, variant] - 500) < 4 * (10_000 * 0.05 * 0.95) ** 0.5


def test_a_campaign_without_a_comparison_draws_nobody() -> None:
    cast.subscribers(3)
    started(cast.draft())
    assert set(Delivery.objects.values_list("state", "variant")) == {(DeliveryState.QUEUED, 0)}


def test_a_variant_without_words_is_an_obstacle() -> None:
    cast.subscribers(1)
    campaign = compared(variants=2)
    Campaign.objects.get(id=campaign).versions.all().delete()
    with pytest.raises(NotReady) as refused:
        services.launch(campaign_id=campaign, actor_id=None, now=NOW)
    assert any("B" in str(reason.text) for reason in refused.value.reasons)


def test_each_variant_is_frozen_and_the_sample_alone_is_sent(inbox: Inbox) -> None:
    cast.subscribers(30)
    campaign = started(compared(sample_percent=50))
    frozen = CompiledContent.objects.filter(campaign_id=campaign)
    assert sorted(frozen.values_list("variant", "subject")) == [(0, "A"), (1, "B")]
    held = Delivery.objects.filter(state=DeliveryState.HELD).count()
    cast.deliver(campaign)
    emails = [f"person{number}@example.org" for number in range(30)]
    got = Counter(str(mail["Subject"]) for email in emails for mail in inbox.to(email))
    drawn = Counter(
        Delivery.objects.filter(state=DeliveryState.SENT).values_list("variant", flat=True)
    )
    assert got == {"A": drawn[0], "B": drawn[1]}
    assert (sum(got.values()), held) == (30 - held, cast.counts(campaign)["held"])
    services.sweep(now=NOW)
    assert state(campaign) == "running", "who is held back is still to come"


def _sample(campaign: UUID, *, opt_outs: tuple[int, ...], each: int = 300) -> None:
    """A sample that has left, of which so many of each variant have said no since."""
    known = Permission.objects.filter(purpose_id="newsletter").values().first()
    assert known is not None
    for variant, noes in enumerate(opt_outs):
        people = crowd(campaign, each, state=DeliveryState.SENT, variant=variant)
        Permission.objects.bulk_create(
            Permission(**known | {"subject_id": person, "state": "ConsentWithdrawn"})
            for person in people[:noes]
        )


def _decided() -> None:
    services.decide_due(now=NOW)
    services.decide_due(now=NOW + HOUR)


def test_the_wait_begins_when_the_last_of_the_sample_has_left() -> None:
    cast.subscribers(20)
    campaign = started(compared())
    services.decide_due(now=NOW)
    assert comparison(campaign).decide_at is None
    sample_is_sent(campaign)
    services.decide_due(now=NOW + MINUTE)
    services.decide_due(now=NOW + 2 * MINUTE)
    assert comparison(campaign).decide_at == NOW + MINUTE + HOUR
    services.decide_due(now=NOW + HOUR)
    assert comparison(campaign).winner is None, "nobody looks before the wait is over"


def test_too_few_are_no_result_and_the_first_variant_goes_to_the_rest() -> None:
    cast.subscribers(20)
    campaign = started(compared())
    held = Delivery.objects.filter(state=DeliveryState.HELD).count()
    sample_is_sent(campaign)
    _decided()
    decided = comparison(campaign)
    assert (decided.outcome, decided.winner) == ("too_few", 0)
    freed = Delivery.objects.filter(campaign_id=campaign, state=DeliveryState.QUEUED)
    assert set(freed.values_list("variant", flat=True)) == {0}
    assert freed.count() == held
    adds_up(campaign)


def test_it_is_decided_once() -> None:
    cast.subscribers(20)
    campaign = started(compared())
    sample_is_sent(campaign)
    _decided()
    first = comparison(campaign).decided_at
    services.decide_due(now=NOW + 5 * HOUR)
    assert comparison(campaign).decided_at == first


def test_a_paused_campaign_waits_and_a_cancelled_one_ends() -> None:
    cast.subscribers(20)
    campaign = started(compared())
    held = Delivery.objects.filter(state=DeliveryState.HELD).count()
    sample_is_sent(campaign)
    services.decide_due(now=NOW)
    services.pause(campaign_id=campaign, actor_id=None, now=NOW)
    services.decide_due(now=NOW + HOUR)
    assert comparison(campaign).winner is None
    services.cancel(campaign_id=campaign, actor_id=None, now=NOW)
    services.decide_due(now=NOW + HOUR)
    account = services.progress(campaign_id=campaign)
    assert account.skipped == {"cancelled": held}
    assert account.open == 0
    adds_up(campaign)


def test_a_person_decides_after_the_wait_and_once() -> None:
    cast.subscribers(20)
    campaign = started(compared(rule="person"))
    actor = cast.people_actor()
    with pytest.raises(NotYet):
        services.choose(campaign_id=campaign, variant=1, actor_id=actor, now=NOW)
    sample_is_sent(campaign)
    _decided()
    assert comparison(campaign).winner is None
    services.choose(campaign_id=campaign, variant=1, actor_id=actor, now=NOW + HOUR)
    decided = comparison(campaign)
    assert (decided.outcome, decided.winner, decided.decided_by) == ("person", 1, actor)
    freed = Delivery.objects.filter(campaign_id=campaign, state=DeliveryState.QUEUED)
    assert set(freed.values_list("variant", flat=True)) == {1}
    with pytest.raises(AlreadyChosen):
        services.choose(campaign_id=campaign, variant=0, actor_id=actor, now=NOW + HOUR)


def test_nobody_chooses_where_the_numbers_do() -> None:
    campaign = compared(rule="opt_outs")
    with pytest.raises(AlreadyChosen):
        services.choose(campaign_id=campaign, variant=1, actor_id=cast.people_actor(), now=NOW)


def test_the_rest_goes_out_and_nobody_gets_two(inbox: Inbox) -> None:
    cast.subscribers(24)
    campaign = started(compared(sample_percent=50))
    cast.deliver(campaign)
    _decided()
    cast.deliver(campaign)
    assert Counter(inbox.recipients()).most_common(1)[0][1] == 1
    assert len(inbox.recipients()) == 24
    assert state(campaign) == "finished"
    assert cast.counts(campaign) == {"sent": 24}


def test_settings_are_a_drafts_alone_and_of_the_version_that_was_read() -> None:
    cast.subscribers(2)
    campaign = compared()
    with pytest.raises(ChangedMeanwhile):
        services.compare_variants(campaign_id=campaign, chosen=None, seen_at=NOW - MINUTE, now=NOW)
    started(campaign)
    with pytest.raises(NotADraft):
        services.compare_variants(campaign_id=campaign, chosen=None, now=NOW)


def test_a_comparison_is_taken_away() -> None:
    campaign = compared()
    services.compare_variants(campaign_id=campaign, chosen=None, now=NOW)
    assert not Campaign.objects.filter(comparison__isnull=False).exists()


def test_a_variant_of_which_nothing_counts_is_counted_as_nothing() -> None:
    campaign = compared(variants=3)
    assert [
        each.messages for each in shares(campaign_id=campaign, rule="opens", variants=3).values()
    ] == [0, 0, 0]


def test_the_variant_with_fewest_opt_outs_goes_to_the_rest() -> None:
    cast.subscribers(20)
    campaign = started(compared(variants=3))
    sample_is_sent(campaign)
    _sample(campaign, opt_outs=(60, 20, 58))
    _decided()
    decided = comparison(campaign)
    assert (decided.outcome, decided.winner) == ("winner", 1)
    assert [events for _messages, events in decided.tally] == [60, 20, 58]
    freed = Delivery.objects.filter(campaign_id=campaign, state=DeliveryState.QUEUED)
    assert set(freed.values_list("variant", flat=True)) == {1}


def test_no_difference_shown_is_an_outcome_and_the_first_goes_on() -> None:
    cast.subscribers(20)
    campaign = started(compared())
    sample_is_sent(campaign)
    _sample(campaign, opt_outs=(30, 24))
    _decided()
    decided = comparison(campaign)
    assert (decided.outcome, decided.winner) == ("no_difference", 0)


def test_openings_count_among_those_alone_who_agree_to_be_measured_now() -> None:
    contact = cast.subscriber("agrees@example.org")
    people.submit(contact, MEASUREMENT, email="agrees@example.org", needs_confirmation=False)
    cast.subscriber("silent@example.org")
    campaign = started(compared(sample_percent=100, rule="opens"))
    sample_is_sent(campaign)
    Delivery.objects.update(is_measured=True, variant=0)
    own = Delivery.objects.get(contact_id=contact)
    MeasuredMessage.objects.create(
        delivery=own, campaign_id=campaign, contact_id=contact, last_open_on=NOW.date()
    )
    found = shares(campaign_id=campaign, rule="opens", variants=2)
    assert (found[0].messages, found[0].events) == (1, 1)
    answers = Permission.objects.filter(subject_id=contact, purpose_id="email_measurement")
    answers.update(state="ConsentWithdrawn")
    assert shares(campaign_id=campaign, rule="opens", variants=2)[0].messages == 0
