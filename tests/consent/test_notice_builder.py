"""The builder leaves out nothing of articles 13 and 14, and knows a fact from a word."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from consent import services
from consent.models import Draft, Notice, Purpose
from consent.notice_builder.checking import missing_items
from consent.notice_builder.word_diff import word_diff
from consent.services import (
    NOTICE_ITEMS,
    Basis,
    FactsDiffer,
    NoNoticeDraft,
    NoticeExists,
    NoticeIncomplete,
    NoticeUnknown,
    PurposeUse,
    notice_items,
)
from tests.conftest import NOW
from tests.consent.notices import (
    ADDRESS,
    OFFICER,
    built,
    choices,
    company,
    corrected,
    drafted,
    worded,
)

__all__ = ["company"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("company"),
]
SAID = {
    "fr": [
        "Nordelia", ADDRESS, OFFICER, "votre consentement", "avant un contrat",
        "intérêt légitime, qui est de faire connaître", "3 ans", "1 an", "os équipes",
        "Union européenne", "facultatif", "l’accès", "rectification", "effacement", "limitation",
        "portabilité", "opposer", "retirer un consentement", "CNIL", "https://www.cnil.fr",
        "Aucune décision", "Répondre à votre demande", "Notre lettre d’information",
    ],
    "en": [
        "Nordelia", ADDRESS, OFFICER, "your consent", "before a contract",
        "legitimate interest, which is to make", "3 years", "1 year", "ur teams",
        "European Union", "optional", "access", "rectification", "erasure", "restriction",
        "portability", "object", "withdraw a consent", "CNIL", "https://www.cnil.fr",
        "No decision", "Answer your request", "Our newsletter",
    ],
}  # fmt: skip


def _missing(said: services.NoticeChoices) -> set[tuple[str, str]]:
    return {(each.item, each.language) for each in missing_items(choices=said)}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_first_notice_is_whole_with_the_ready_made_words(language: str) -> None:
    assert missing_items(choices=choices()) == []
    assert built() == 1
    text = services.notice(code="built", version=1, language=language).text
    assert [words for words in SAID[language] if words not in text] == []
    assert len(text.split()) < 330, "people read it before they answer"
    assert "{" not in text


def test_a_built_text_can_be_built_again_from_its_document() -> None:
    built()
    for row in Notice.objects.filter(code="built"):
        assert services.notice_choices(code="built") is not None
        assert row.document["facts"]["dpo"] == OFFICER
    drafted(services.notice_choices(code="built"))  # type: ignore[arg-type]
    assert services.notice_proposal(code="built").is_same
    assert services.publish_notice_draft(code="built", actor_id=None, now=NOW) == 1


CASES: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "purposes": ({"bases": {}}, {("purposes", "")}),
    "purpose_unknown": ({"bases": {"nothing": Basis.CONTRACT.value}}, {("purposes", "")}),
    "recipients": ({"recipients": []}, {("recipients", "")}),
    "others": ({"recipients": ["others"]}, {("recipients", "fr"), ("recipients", "en")}),
    "transfers": ({"leaves_union": True}, {("transfers", "fr"), ("transfers", "en")}),
    "decisions": ({"has_decisions": True}, {("decisions", "fr"), ("decisions", "en")}),
    "words": (
        {"words": {"fr": {}, "en": {}}},
        {
            (item, language)
            for item in ("interests", "mandatory", "withdrawal")
            for language in ("fr", "en")
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_named_item_by_item_in_both_languages(case: str) -> None:
    changes, expected = CASES[case]
    said = choices(**changes)
    assert _missing(said) == expected
    drafted(said)
    with pytest.raises(NoticeIncomplete) as refusal:
        services.publish_notice_draft(code="built", actor_id=None, now=NOW)
    assert {(each.item, each.language) for each in refusal.value.missing} == expected
    assert not Notice.objects.filter(code="built").exists()


def test_words_missing_in_one_language_are_missing_there_only() -> None:
    assert _missing(worded(choices(), "en", mandatory=" ")) == {("mandatory", "en")}


@pytest.mark.parametrize(
    ("name", "value", "item"),
    [
        ("ORGANISATION_ADDRESS", "", "controller"),
        ("ORGANISATION_NAME", " ", "controller"),
        ("DPO_ADDRESS", "", "dpo"),
        ("DPO_ADDRESS", "dpo@localhost.example", "dpo"),
    ],
)
def test_what_the_settings_lack_is_missing_too(
    settings: Settings, name: str, value: str, item: str
) -> None:
    setattr(settings, name, value)
    assert _missing(choices()) == {(item, "")}


def test_a_basis_that_a_purpose_cannot_rest_on_is_refused() -> None:
    said = choices(bases={"email_measurement": Basis.LEGITIMATE_INTEREST.value})
    assert ("purposes", "") in _missing(said)
    # A newsletter may rest on interest, but nobody weighed that one.
    said = choices(bases={"newsletter": Basis.LEGITIMATE_INTEREST.value})
    assert ("purposes", "") in _missing(said)


def test_imported_people_are_told_the_source_and_the_categories_as_well() -> None:
    said = choices(kind="indirect")
    assert {item for item, _language in _missing(said)} == {"source", "categories"}
    for language in ("fr", "en"):
        said = worded(said, language, source="Salon X", categories="Nom, e-mail")
    assert built(said) == 1
    text = services.notice(code="built", version=1, language="fr").text
    assert "Salon X" in text
    assert "Nom, e-mail" in text
    assert services.notice(code="built", version=1, language="fr").kind == "indirect"


def test_every_item_of_the_law_is_asked_for_in_one_of_the_two_kinds() -> None:
    asked = {*notice_items(choices()), *notice_items(choices(kind="indirect"))}
    assert asked == set(NOTICE_ITEMS)


# --- the two acts ----------------------------------------------------------------------------


def test_other_words_are_a_correction() -> None:
    built()
    said = worded(choices(), "fr", opening="Voici l’essentiel.")
    drafted(said)
    assert services.notice_proposal(code="built").can_be_correction
    assert corrected(said) == 1
    assert services.notice(code="built", version=1, language="fr").revision == 1
    assert services.notice(code="built", version=1, language="en").revision == 0
    with pytest.raises(NoNoticeDraft):
        services.correct_notice_by_draft(code="built", actor_id=None, now=NOW)


def _retention() -> None:
    Purpose.objects.filter(code="newsletter").update(retention_days=400)


def _title() -> None:
    Purpose.objects.filter(code="newsletter").update(title_en="Our monthly letter")


def _recipients() -> None:
    Purpose.objects.filter(code="newsletter").update(recipients_fr="Notre imprimeur")


def _nothing() -> None:
    pass


FACTS: dict[str, tuple[dict[str, Any], Callable[[], None]]] = {
    "bases": ({"bases": {"newsletter": Basis.CONSENT.value}}, _nothing),
    "recipients": ({"recipients": ["teams"]}, _nothing),
    "recipients of a purpose": ({}, _recipients),
    "retention": ({}, _retention),
    "purposes": ({}, _title),
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_that_differs_is_never_a_correction(fact: str) -> None:
    built()
    changes, elsewhere = FACTS[fact]
    elsewhere()
    said = choices(**changes)
    drafted(said)
    assert fact.split()[0] in services.notice_proposal(code="built").facts
    with pytest.raises(FactsDiffer) as refusal:
        corrected(said)
    assert fact.split()[0] in refusal.value.facts
    assert built(said) == 2


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("ORGANISATION_NAME", "controller"),
        ("ORGANISATION_ADDRESS", "controller"),
        ("DPO_ADDRESS", "dpo"),
    ],
)
def test_another_controller_or_officer_is_never_a_correction(
    settings: Settings, name: str, fact: str
) -> None:
    built()
    setattr(settings, name, "other@example.org")
    with pytest.raises(FactsDiffer) as refusal:
        corrected(choices())
    assert refusal.value.facts == [fact]


@pytest.mark.parametrize(
    ("word", "fact"), [("transfers", "leaves_union"), ("decisions", "has_decisions")]
)
def test_the_words_that_say_a_fact_are_the_fact(word: str, fact: str) -> None:
    changes: dict[str, Any] = {fact: True}
    said = choices(**changes)
    for language in ("fr", "en"):
        said = worded(said, language, **{word: "Suisse"})
    built(said)
    with pytest.raises(FactsDiffer) as refusal:
        corrected(worded(said, "fr", **{word: "Brésil"}))
    assert refusal.value.facts == [word]


def test_a_text_from_a_file_cannot_correct_what_was_built() -> None:
    built()
    with pytest.raises(FactsDiffer) as refusal:
        services.correct_notice(code="built", texts={"fr": "Autre"}, now=NOW)
    assert "document" in refusal.value.facts


def test_a_text_from_a_file_gets_its_next_version_from_the_builder() -> None:
    services.publish_notice(code="site", texts={"fr": "Avis"}, now=NOW)
    drafted(choices(), code="site")
    said = services.notice_proposal(code="site")
    assert said.facts
    assert not said.can_be_correction
    assert built(code="site") == 2


def test_nothing_published_cannot_be_corrected() -> None:
    with pytest.raises(NoticeUnknown):
        corrected(choices())


def test_a_code_is_given_once_and_the_page_of_choices_keeps_its_own() -> None:
    drafted(choices())
    for code in ("built", "preferences"):
        with pytest.raises(NoticeExists):
            services.begin_notice(code=code, kind="direct", actor_id=None, now=NOW)
    with pytest.raises(NoNoticeDraft):
        services.write_notice(code="none", choices=choices(), actor_id=None, now=NOW)


def test_a_draft_that_is_thrown_away_leaves_what_is_published() -> None:
    built()
    drafted(choices(recipients=["teams"]))
    services.discard_notice_draft(code="built")
    services.discard_notice_draft(code="built")
    assert not Draft.objects.filter(kind="notice").exists()
    assert services.notice_choices(code="built") == replace(
        choices(),
        bases=services.notice_choices(code="built").bases,  # type: ignore[union-attr]
    )


# --- agreement with what is done -------------------------------------------------------------

REPLY = PurposeUse("reply_to_request", Basis.PRE_CONTRACT.value)
LETTER = PurposeUse("newsletter", Basis.CONSENT.value)


def _against(*uses: PurposeUse, code: str = "built") -> list[tuple[str, str]]:
    found = services.notice_disagreements(code=code, version=1, uses=uses)
    return [(each.about, each.purpose_code) for each in found]


def test_a_notice_that_says_the_same_agrees() -> None:
    built()
    assert _against(REPLY, LETTER) == []


def test_what_a_notice_says_otherwise_is_named() -> None:
    built()
    assert _against(PurposeUse("email_measurement", Basis.CONSENT.value)) == [
        ("purpose", "email_measurement")
    ]
    interest = PurposeUse("newsletter", Basis.LEGITIMATE_INTEREST.value)
    assert _against(REPLY, interest) == [("basis", "newsletter")]
    _recipients()
    assert _against(REPLY, LETTER) == [("recipients", "newsletter")]
    _retention()
    assert _against(REPLY, LETTER) == [("retention", "newsletter")]


def test_a_text_from_a_file_cannot_be_compared_but_its_kind_can() -> None:
    services.publish_notice(code="file", texts={"fr": "Avis"}, now=NOW)
    assert _against(REPLY, code="file") == []
    assert _against(REPLY, code="preferences") == [("kind", "")]


@given(st.text("ab ,é\n", max_size=30), st.text("ab ,é\n", max_size=30))
def test_a_word_diff_holds_both_texts(old: str, new: str) -> None:
    runs = word_diff(old=old, new=new)
    assert "".join(run.text for run in runs if run.kind != "gone") == new
    assert "".join(run.text for run in runs if run.kind != "new") == old
