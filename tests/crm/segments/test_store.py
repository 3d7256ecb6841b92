"""Saved segments."""

from uuid import uuid4

import pytest

from crm.models import Segment
from crm.services import (
    InvalidRules,
    NameTaken,
    SegmentUnknown,
    archive_segment,
    change_segment,
    create_segment,
    restore_segment,
    segment_rules,
    segments,
)
from tests.conftest import NOW
from tests.consent.people import later

pytestmark = pytest.mark.django_db
FRENCH = {"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["fr"]}]}


def test_a_segment_is_saved_listed_and_read_back() -> None:
    author = uuid4()
    second = create_segment(name="Zurich", rules={}, now=NOW)
    first = create_segment(
        name="French", rules=FRENCH, description="Who reads French", actor_id=author, now=NOW
    )
    assert [one.id for one in segments()] == [first, second]
    assert segment_rules(segment_id=first) == FRENCH
    assert segment_rules(segment_id=second) == {}
    assert Segment.objects.get(id=first).created_by == author


def test_a_segment_is_changed_as_a_whole() -> None:
    one = create_segment(name="French", rules=FRENCH, now=NOW)
    change_segment(segment_id=one, name="All", rules={}, description="d", now=later(days=1))
    summary = segments()[0]
    assert (summary.name, summary.description, summary.updated_at) == ("All", "d", later(days=1))
    assert segment_rules(segment_id=one) == {}


def test_rules_outside_of_the_language_are_not_saved() -> None:
    wrong = {"match": "all", "rules": [{"fact": "name", "is": "one_of", "value": ["x"]}]}
    with pytest.raises(InvalidRules):
        create_segment(name="Wrong", rules=wrong, now=NOW)
    one = create_segment(name="French", rules=FRENCH, now=NOW)
    with pytest.raises(InvalidRules):
        change_segment(segment_id=one, name="French", rules=wrong, now=NOW)
    assert segment_rules(segment_id=one) == FRENCH


def test_two_living_segments_never_share_a_name() -> None:
    first = create_segment(name="French", rules=FRENCH, now=NOW)
    with pytest.raises(NameTaken):
        create_segment(name="French", rules={}, now=NOW)
    second = create_segment(name="English", rules={}, now=NOW)
    with pytest.raises(NameTaken):
        change_segment(segment_id=second, name="French", rules={}, now=NOW)
    archive_segment(segment_id=first, now=NOW)
    change_segment(segment_id=second, name="French", rules={}, now=NOW)
    with pytest.raises(NameTaken):
        restore_segment(segment_id=first)


def test_an_archived_segment_leaves_the_list_and_keeps_its_rules() -> None:
    one = create_segment(name="French", rules=FRENCH, now=NOW)
    archive_segment(segment_id=one, now=NOW)
    archive_segment(segment_id=one, now=later(days=1))
    assert Segment.objects.get().archived_at == NOW
    assert segments() == []
    assert segment_rules(segment_id=one) == FRENCH
    with pytest.raises(SegmentUnknown):
        change_segment(segment_id=one, name="x", rules={}, now=NOW)
    restore_segment(segment_id=one)
    restore_segment(segment_id=one)
    assert [summary.id for summary in segments()] == [one]


def test_a_segment_that_never_was_is_named_so() -> None:
    with pytest.raises(SegmentUnknown):
        segment_rules(segment_id=uuid4())
    with pytest.raises(SegmentUnknown):
        change_segment(segment_id=uuid4(), name="x", rules={}, now=NOW)
    with pytest.raises(SegmentUnknown):
        archive_segment(segment_id=uuid4(), now=NOW)
    with pytest.raises(SegmentUnknown):
        restore_segment(segment_id=uuid4())
