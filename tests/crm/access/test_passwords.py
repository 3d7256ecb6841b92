"""What a password must be: CNIL deliberation 2022-100, and how it is kept."""

import pytest
from argon2 import Type, extract_parameters
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from crm.accounts.passwords import BITS, varied_bits
from crm.accounts.register import new_password
from crm.models import Account


def codes(password: str, username: str = "camille") -> set[str]:
    try:
        validate_password(password, Account(username=username, role="sales"))
    except ValidationError as refusal:
        return {str(error.code) for error in refusal.error_list}
    return set()


@pytest.fixture
def company(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Société Générale d’Élevage"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "une girafe bleue mange des kiwis",
        "Tr0ub4dor&3-Xylophone",
        "kJ8#mP2$vL5@qR",
        "пять необычных слов подряд",
        "zwölf-Boxkämpfer-jagen",
    ],
)
def test_good_ones_are_taken(company: None, password: str) -> None:
    assert codes(password) == set()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kJ8#mP2$vL5@q", "password_too_short"),
        ("aaaaaaaaaaaaaaaaaaaa", "password_not_varied"),
        ("abababababababababab", "password_not_varied"),
        ("abcdefghijklmnopqrst", "password_not_varied"),
        ("azertyazertyazerty", "password_not_varied"),
        ("passwordpassword", "password_not_varied"),
        ("31415926535897932384", "password_entirely_numeric"),
        ("1234567890123456", "password_not_varied"),
        ("Elevage2026!Elevage", "password_is_our_name"),
        ("Accord-Accord-2026", "password_is_our_name"),
        ("societegenerale2026", "password_is_our_name"),
        ("1qaz2wsx3edc4rfv", "password_too_common"),
    ],
)
def test_bad_ones_are_refused_and_said_why(company: None, password: str, code: str) -> None:
    assert code in codes(password)


def test_the_own_username_is_no_password() -> None:
    assert "password_too_similar" in codes("camille.lemarchand.7", "camille.lemarchand")


def test_a_long_phrase_may_hold_the_name_of_the_company(company: None) -> None:
    assert codes("une girafe de la generale mange des kiwis") == set()


def test_what_we_make_ourselves_passes() -> None:
    for _number in range(200):
        assert codes(new_password()) == set()


@given(st.text(max_size=60))
def test_any_text_is_judged_and_more_of_the_same_is_worth_no_more(text: str) -> None:
    bits = varied_bits(text)
    assert bits >= 0
    if text:
        assert varied_bits(text + text[-1] * 20) == bits
        assert varied_bits(text[0] * 40) < BITS


def test_every_kind_of_sign_is_allowed_and_none_is_asked_for() -> None:
    """CNIL 2022-100 leaves composition to entropy; ASVS 5.0 6.2.5 forbids rules of composition."""
    for password in (
        "wide river under nine clouds",
        "ŵĩďę rïvęr ūñďęr ñïñę",
        "🦒🦓🐘🦏🐪🦘🐃🐂🐏🐑🐐🦌🐕🐩🐈🐓",
    ):
        assert codes(password) == set()


def test_nothing_makes_a_password_too_old() -> None:
    """CNIL 2022-100 gives up periodic renewal for users: no field counts the days."""
    names = {field.name for field in Account._meta.get_fields()}
    assert not {name for name in names if "password_" in name and name != "must_change_password"}


def test_a_password_is_kept_by_argon2id_above_the_least_of_owasp() -> None:
    # The fixture of this folder hashes quickly: the hasher is asked by its name.
    encoded = Argon2PasswordHasher().encode("correct horse battery staple", "somesaltsomesalt")
    kept = extract_parameters(encoded.removeprefix("argon2"))
    assert kept.type is Type.ID
    assert kept.memory_cost >= 19 * 1024  # KiB: OWASP Password Storage Cheat Sheet
    assert kept.time_cost >= 2
    assert kept.parallelism >= 1
    from deploy import settings as ours

    assert ours.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
