"""Who types without accents finds who has them, and the other way round."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.search.folding import FIELD, RECORD, digits, fold, record_of, words_of


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Élodie  LEFÈVRE", "elodie lefevre"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Cœur & Æther", "coeur & aether"),
        ("ﬁnance", "finance"),
        ("Łódź", "lodz"),
        ("Søren Đorđe", "soren dorde"),
        ("İstanbul ılgın", "istanbul ilgin"),
        ("Ünal\u00a0Öz", "unal oz"),
        ("Ἀθήνα Σωκράτης", "αθηνα σωκρατησ"),
        ("L’Oréal – Saint‑Denis", "l'oreal - saint-denis"),
        ("Николай Йода", "николай йода"),
        ("が", "が"),
        ("한글", "한글"),
        ("name\x1fother\nthird", "name other third"),
    ],
)
def test_case_accents_and_ligatures_do_not_count(written: str, compared: str) -> None:
    assert fold(written) == compared
    assert fold(unicodedata.normalize("NFD", written)) == compared


@given(st.text())
def test_what_is_folded_stays_so_and_never_breaks_a_record(text: str) -> None:
    folded = fold(text)
    assert FIELD not in folded
    assert RECORD not in folded
    assert fold(folded) == fold(fold(folded))


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        ("Dupont", ["dupont"]),
        ("jean DUPONT jean", ["dupont", "jean"]),
        ("06 12.34-56 78", ["612345678"]),
        ("+33 (0)6 12 34 56 78", ["33612345678"]),
        ("0033612345678", ["33612345678"]),
        ("dupont 0612345678", ["612345678", "dupont"]),
        ("a", []),
        ("  ", []),
        ("0", []),
        ("\x00", ["\x00"][:0]),
        ("x" * 300, ["x" * 128]),
    ],
)
def test_what_is_sought(typed: str, sought: list[str]) -> None:
    assert words_of(typed) == sought


def test_at_most_eight_words_are_sought() -> None:
    assert len(words_of(" ".join(f"word{n}" for n in range(30)))) == 8


def test_a_record_holds_what_is_sought_and_nothing_else() -> None:
    document = {
        "given_name": "Élodie",
        "family_name": "Martin",
        "company": "Atelier\nMartin",
        "email": "elodie@atelier.example",
        "email_as_typed": "Elodie@Atelier.example",
        "other_emails": ["old@atelier.example"],
        "phone": "+33612345678",
        "job_title": "Directrice",
        "messages": [{"text": "a secret"}],
        "country": "FR",
    }
    assert record_of(document).decode() == (
        "\nelodie martin\x1fatelier martin\x1felodie@atelier.example"
        "\x1fold@atelier.example\x1f33612345678"
    )
    assert record_of({}) == b"\n"


def test_digits_lose_what_is_dialled_in_front() -> None:
    assert digits("+33612345678") == "33612345678"
