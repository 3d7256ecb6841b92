"""Segments in segments: opened up when they are asked, and never in a circle."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils.translation import override

from crm.models import Segment
from crm.segments.counting import TooLong, how_many, no_longer_than, sample
from crm.segments.references import CHAIN_MAX
from crm.segments.store import archived_segments, duplicate_segment
from crm.segments.uses import segment_uses
from crm.services import (
    InvalidRules,
    archive_segment,
    change_segment,
    count_members,
    create_segment,
    segment_rules,
)
from tests.conftest import NOW
from tests.crm.people import make_contact

FRENCH = {"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["fr"]}]}
transactional = pytest.mark.django_db(transaction=True)


def naming(*numbers: UUID, operator: str = "one_of") -> dict[str, Any]:
    value = [str(number) for number in numbers]
    return {"match": "all", "rules": [{"fact": "segment", "is": operator, "value": value}]}


@pytest.mark.django_db
def test_a_named_segment_is_included_or_left_out_as_it_is_now() -> None:
    for language in ("fr", "fr", "en"):
        make_contact(language=language)
    other = create_segment(name="French", rules=FRENCH, now=NOW)
    assert count_members(rules=naming(other), now=NOW) == 2
    assert count_members(rules=naming(other, operator="not_one_of"), now=NOW) == 1
    english = {"match": "none", "rules": FRENCH["rules"]}
    change_segment(segment_id=other, name="French", rules=english, now=NOW)
    assert count_members(rules=naming(other), now=NOW) == 1
    archive_segment(segment_id=other, now=NOW)
    assert count_members(rules=naming(other), now=NOW) == 1


@pytest.mark.django_db
def test_a_circle_is_refused_when_it_is_saved() -> None:
    first = create_segment(name="1", rules=FRENCH, now=NOW)
    second = create_segment(name="2", rules=naming(first), now=NOW)
    third = create_segment(name="3", rules=naming(second), now=NOW)
    for target in (first, second, third):
        with pytest.raises(InvalidRules) as refused:
            change_segment(segment_id=first, name="1", rules=naming(target), now=NOW)
        assert refused.value.path == "rules.0.value"
        with override("en"):
            assert "back to itself" in str(refused.value.reason)
    assert segment_rules(segment_id=first) == FRENCH


@pytest.mark.django_db
def test_a_circle_that_stands_in_the_table_is_refused_when_it_is_asked() -> None:
    first = create_segment(name="1", rules=FRENCH, now=NOW)
    second = create_segment(name="2", rules=naming(first), now=NOW)
    Segment.objects.filter(id=first).update(rules=naming(second))
    with pytest.raises(InvalidRules):
        count_members(rules=naming(second), now=NOW)


@pytest.mark.django_db
def test_a_segment_that_is_not_there_and_a_chain_without_end_are_refused() -> None:
    with pytest.raises(InvalidRules) as refused:
        create_segment(name="x", rules=naming(uuid4()), now=NOW)
    assert refused.value.path == "rules.0.value"
    last = create_segment(name="0", rules=FRENCH, now=NOW)
    for number in range(CHAIN_MAX - 1):
        last = create_segment(name=f"{number + 1}", rules=naming(last), now=NOW)
    create_segment(name="end", rules=naming(last), now=NOW)
    with pytest.raises(InvalidRules):
        create_segment(name="too far", rules=naming(Segment.objects.get(name="end").id), now=NOW)


@transactional
def test_two_who_name_each_other_at_once_close_no_circle() -> None:
    first = create_segment(name="1", rules=FRENCH, now=NOW)
    second = create_segment(name="2", rules=FRENCH, now=NOW)
    together, refused = threading.Barrier(2), []

    def change(one: UUID, name: str, other: UUID) -> None:
        try:
            together.wait(10)
            change_segment(segment_id=one, name=name, rules=naming(other), now=NOW)
        except InvalidRules as wrong:
            refused.append(wrong)
        finally:
            connections["default"].close()

    threads = [
        threading.Thread(target=change, args=(first, "1", second)),
        threading.Thread(target=change, args=(second, "2", first)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert count_members(rules=naming(first, second), now=NOW) == 0


@pytest.mark.django_db
def test_a_copy_has_a_name_of_its_own_and_the_same_rules() -> None:
    one = create_segment(name="French", rules=FRENCH, description="d", now=NOW)
    names = set()
    for _ in range(3):
        copy = duplicate_segment(segment_id=one, name="Copy of French", actor_id=uuid4(), now=NOW)
        names.add(Segment.objects.get(id=copy).name)
        assert segment_rules(segment_id=copy) == FRENCH
    assert names == {"Copy of French", "Copy of French 2", "Copy of French 3"}


@pytest.mark.django_db
def test_a_segment_says_which_segments_name_it() -> None:
    one = create_segment(name="French", rules=FRENCH, now=NOW)
    inner = {"match": "all", "rules": [{**naming(one), "match": "none"}]}
    create_segment(name="Others", rules=inner, now=NOW)
    create_segment(name="Unrelated", rules=FRENCH, now=NOW)
    gone = create_segment(name="Gone", rules=naming(one), now=NOW)
    archive_segment(segment_id=gone, now=NOW)
    assert [use.name for use in segment_uses(segment_id=one)] == ["Others"]
    assert [row.name for row in archived_segments()] == ["Gone"]


@transactional
def test_a_question_that_takes_too_long_is_stopped_and_the_next_is_not() -> None:
    with pytest.raises(TooLong), no_longer_than(timedelta(milliseconds=50)):
        connections["default"].cursor().execute("SELECT pg_sleep(5)")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1), current_setting('statement_timeout')")
        assert cursor.fetchone()[1] != "50ms"


@transactional
def test_a_count_that_takes_too_long_is_an_estimate_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_contact()
    exact = how_many(rules=FRENCH, patience=timedelta(seconds=5), now=NOW)
    assert (exact.members, exact.is_estimate) == (1, False)

    def endless(**_asked: object) -> int:
        connections["default"].cursor().execute("SELECT pg_sleep(5)")
        raise AssertionError("it was not stopped")

    monkeypatch.setattr("crm.segments.counting.count_members", endless)
    guess = how_many(rules=FRENCH, patience=timedelta(milliseconds=100), now=NOW)
    assert guess.is_estimate
    assert guess.waterfall is None
    assert guess.members >= 0


@transactional
def test_a_sample_is_the_newest_few() -> None:
    made = [make_contact(language="fr").id for _ in range(12)]
    make_contact(language="en")
    assert sample(rules=FRENCH, now=NOW) == sorted(made, reverse=True)[:10]
