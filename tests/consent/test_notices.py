"""A new version tells people something else; a correction tells the same in better words."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from consent import services
from consent.models import LedgerEvent, Notice
from consent.notices import FactsDiffer
from consent.services import NoticeUnknown
from consent.templatetags.notice_text import notice_paragraphs
from tests.conftest import NOW
from tests.consent.people import ALICE, newsletter

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
TEXTS = {"fr": "Vos donées servent à vous répondre.", "en": "Your data serves to answer you."}
RIGHT = "Vos données servent à vous répondre."


def _publish(**texts: str) -> int:
    return services.publish_notice(code="site", texts=texts or TEXTS, now=NOW)


def _correct(**texts: str) -> int:
    return services.correct_notice(code="site", texts=texts, now=NOW + timedelta(days=1))


def test_a_new_text_is_the_next_version_and_the_same_text_is_not() -> None:
    assert [_publish(), _publish(), _publish(fr="Autre chose", en="Something else")] == [1, 1, 2]
    assert services.notice(code="site", version=1, language="fr").text == TEXTS["fr"]


def test_a_correction_is_a_revision_of_the_same_version_and_is_the_one_that_is_read() -> None:
    _publish()
    before = services.notice(code="site", version=1, language="fr")
    assert _correct(fr=RIGHT) == 1
    now = services.notice(code="site", version=1, language="fr")
    assert (now.version, now.revision, now.text) == (1, 1, RIGHT)
    assert services.notice_by_id(notice_id=before.id) == before
    assert services.notice(code="site", version=1, language="en").revision == 0
    wordings = services.notice_wordings(code="site", version=1, language="fr")
    assert [each.id for each in wordings] == [now.id, before.id]


def test_correcting_twice_with_the_same_words_writes_once() -> None:
    _publish()
    assert [_correct(fr=RIGHT), _correct(fr=RIGHT), _correct(**TEXTS)] == [1, 1, 2]
    assert Notice.objects.filter(code="site").count() == 4


def test_the_old_way_of_saying_it_makes_a_correction_too() -> None:
    _publish()
    version = services.publish_notice(
        code="site", texts={**TEXTS, "fr": RIGHT}, is_substantive=False, now=NOW
    )
    assert version == 1
    assert services.notice(code="site", version=1, language="fr").text == RIGHT


def test_a_language_that_was_not_there_is_no_correction() -> None:
    _publish(fr=TEXTS["fr"])
    with pytest.raises(FactsDiffer) as refusal:
        _correct(en="Your data serves to answer you.")
    assert refusal.value.facts == ["language"]


def test_there_is_nothing_to_correct_before_the_first_version() -> None:
    with pytest.raises(NoticeUnknown):
        _correct(fr=RIGHT)
    with pytest.raises(NoticeUnknown):
        services.notice_by_id(notice_id=uuid4())


def test_an_old_record_shows_the_words_of_its_day_for_ever(vault: None) -> None:
    services.seed_purposes(now=NOW)
    _publish()
    shown = services.notice(code="site", version=1, language="fr")
    with transaction.atomic():
        services.record_answers(
            subject_id=uuid4(),
            email=ALICE,
            answers=[newsletter(is_ticked=True)],
            notice_id=shown.id,
            language="fr",
            form_code="contact",
            form_version=1,
            source_id=uuid4(),
            event_at=NOW,
            received_at=NOW,
            needs_confirmation=False,
            evidence={},
            now=NOW,
        )
    _correct(fr=RIGHT)
    _publish(fr="Une autre finalité.", en="Another purpose.")
    for record in LedgerEvent.objects.all():
        read = services.notice_by_id(notice_id=record.notice_id)  # type: ignore[arg-type]
        assert (read.text, read.version, read.revision) == (TEXTS["fr"], 1, 0)
        assert bytes(record.notice_sha256 or b"") == read.sha256 == shown.sha256
    assert services.records_of_notice(notice_id=shown.id, most=10) == 2


@pytest.mark.parametrize("change", [{"text": "Autre"}, {"is_substantive": False}, {"document": {}}])
def test_the_database_refuses_to_change_a_wording(change: dict[str, object]) -> None:
    _publish()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Notice.objects.filter(code="site").update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Notice.objects.filter(code="site").delete()


def test_a_revision_can_never_be_called_substantive() -> None:
    _publish()
    row = Notice.objects.filter(code="site").first()
    assert row is not None
    row.id, row.revision = uuid4(), 1
    with pytest.raises(DatabaseError, match="notice_revision_is_wording"), transaction.atomic():
        row.save(force_insert=True)


def test_the_seeds_leave_another_text_of_the_page_of_choices_alone() -> None:
    services.seed_purposes(now=NOW)
    own = {"fr": "Nos mots.", "en": "Our words."}
    assert services.publish_notice(code="preferences", texts=own, kind="preferences", now=NOW) == 2
    services.seed_purposes(now=NOW)
    current = services.current_notice(code="preferences")
    assert {language: each.text for language, each in current.items()} == own
    assert {each.kind for each in current.values()} == {"preferences"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One.\n\nTwo.", "<p>One.</p>\n\n<p>Two.</p>"),
        ("Your rights\nAccess.", "<p><strong>Your rights</strong><br>Access.</p>"),
        ("A line of a file,\nwrapped.", "<p>A line of a file,<br>wrapped.</p>"),
        ("Who <b>\nX", "<p>Who &lt;b&gt;<br>X</p>"),
        ("", "<p></p>"),
    ],
)
def test_a_notice_is_shown_in_its_own_words_with_its_headings(text: str, html: str) -> None:
    assert notice_paragraphs(text) == html
