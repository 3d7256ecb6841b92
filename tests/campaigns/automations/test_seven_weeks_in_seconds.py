"""Two thousand people, seven weeks with a leap day and a changed clock, hour by hour."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.automations.passages import sum_moves
from campaigns.models import Campaign, Delivery, Enrolment, StepMove
from campaigns.pages.sequences.flow import counts_of
from crm.models import Contact
from crm.services import Person, receive_many
from tests.campaigns.automations import cast

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
    pytest.mark.timeout(400),
]
PARIS = ZoneInfo("Europe/Paris")
BEGIN = datetime(2028, 2, 21, 0, 30, tzinfo=PARIS)
PEOPLE, HOURS = 2_000, 24 * 48


def _crowd() -> list[object]:
    """Half of them French; they enter over a fortnight."""
    return list(
        receive_many(
            people=[
                (
                    Person(email=f"person{number}@example.org"),
                    {"language": "fr" if number % 2 else "en", "source": "fair"},
                )
                for number in range(PEOPLE)
            ],
            now=BEGIN,
        )
    )


def test_seven_weeks_of_two_thousand_people() -> None:
    crowd = _crowd()
    sequence = cast.active(
        cast.step("s1", "wait_weekday", weekdays=[1], hour=9),
        cast.step("s2", "send"),
        cast.wait("s3", 4, "weeks"),
        cast.step(
            "s4",
            "condition",
            segment=str(cast.segment(language=["fr"])),
            yes=[cast.step("s5", "send"), cast.step("s6", "tag", tag="lu")],
            no=[cast.wait("s7", 36, "hours")],
        ),
        cast.step("s8", "condition", sent="s5", yes=[cast.wait("s9", 3)]),
        cast.step("s10", "send"),
        now=BEGIN,
    )
    for hour in range(HOURS):
        # By way of UTC: on the wall an hour may be missing.
        now = (BEGIN.astimezone(ZoneInfo("UTC")) + timedelta(hours=hour)).astimezone(PARIS)
        if hour % 6 and now.hour not in (8, 9, 10):
            continue  # nobody is due: nights are slept through
        if hour < 14 * 24 and hour % 6 == 0:
            share = PEOPLE // 56
            place = hour // 6 * share
            cast.enter(sequence, *crowd[place : place + share], now=now)  # type: ignore[arg-type]
        if hour == 14 * 24:
            cast.enter(sequence, *crowd, now=now)  # type: ignore[arg-type]  # the rest; nobody twice
        cast.turn(sequence, now)
        cast.settle_mails()
        cast.turn(sequence, now + timedelta(minutes=1))
    rows = Enrolment.objects.filter(sequence=sequence)
    assert (rows.count(), rows.filter(state="finished").count()) == (PEOPLE, PEOPLE)
    _each_got_what_was_theirs(sequence)
    _the_hours_were_kept()
    _the_sums_meet(sequence)


def _mail(step: str) -> Campaign:
    return Campaign.objects.get(sequence_mail__step=step)


def _each_got_what_was_theirs(sequence: object) -> None:
    french = Contact.objects.filter(language="fr").count()
    for step, audience in (("s2", PEOPLE), ("s5", french), ("s10", PEOPLE)):
        mails = Delivery.objects.filter(campaign=_mail(step))
        assert mails.count() == mails.values("contact_id").distinct().count() == audience
        assert _mail(step).audience_size == audience


def _the_hours_were_kept() -> None:
    first = Delivery.objects.filter(campaign=_mail("s2")).values_list("planned_at", flat=True)
    local = {at.astimezone(PARIS) for at in first.distinct()}
    assert {(at.weekday(), at.hour) for at in local} == {(1, 9)}
    assert datetime(2028, 2, 29, 9, 30, tzinfo=PARIS) in local  # the leap day is a Tuesday
    second = Delivery.objects.filter(campaign=_mail("s5")).values_list("planned_at", flat=True)
    # Four weeks later at the same hour of the wall, whichever time of the year it was.
    assert {at.astimezone(PARIS).hour for at in second.distinct()} == {9}


def _the_sums_meet(sequence: object) -> None:
    version = cast.sequence(sequence).current  # type: ignore[arg-type]
    assert version is not None
    before = counts_of(version.id)
    rows = StepMove.objects.count()
    while sum_moves(size=500) > 1 and StepMove.objects.count() > 20:
        pass
    assert StepMove.objects.count() < rows
    after = counts_of(version.id)
    assert (
        (after.inside, dict(after.ended)) == (before.inside, before.ended) == (0, {"end": PEOPLE})
    )
    assert {step: number for step, number in after.entered.items() if number} == {
        step: number for step, number in before.entered.items() if number
    }
    assert after.entered["s2"] == after.entered["s10"] == PEOPLE
