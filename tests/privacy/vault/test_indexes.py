"""One person, one form of an address; tokens and fingerprints that need their key."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.vault import indexes
from privacy.vault.indexes import (
    InvalidAddress,
    fingerprint,
    index_token,
    normalise_email,
    normalise_phone,
    widen_email,
)

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (" Alice.Martin@Example.ORG ", "alice.martin@example.org"),
        ("alice+news@example.org", "alice+news@example.org"),
        ("alice@exemple.fr.", "alice@exemple.fr"),
        ("zoé@société.fr", "zoé@xn--socit-esab.fr"),
        ("zoe\u0301@example.org", "zoé@example.org"),
        ("bob@FAß.de", "bob@xn--fa-hia.de"),
    ],
)
def test_an_address_has_one_form(written: str, canonical: str) -> None:
    assert normalise_email(written) == canonical
    assert normalise_email(canonical) == canonical


def test_a_lookalike_domain_is_another_address() -> None:
    assert normalise_email("a@ex\u0430mple.org") != normalise_email("a@example.org")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("alice", "needs a name"),
        ("@example.org", "needs a name"),
        ("alice@", "needs a name"),
        ("a@b@example.org", "more than one @"),
        ("a\r\nBcc: x@example.org", "control character"),
        ("a\0@example.org", "control character"),
        ("a\u2028@example.org", "control character"),
        ("a\u202e@example.org", "control character"),
        ("a b@example.org", "space"),
        ("a@localhost", "no dot"),
        ("a@ex ample.org", "space"),
        ("a@-bad-.org", "not valid"),
        ("a@.org", "not valid"),
        ("a@" + "d" * 64 + ".org", "not valid"),
        ("a" * 65 + "@example.org", "too long"),
        ("a" * 60 + "@" + ".".join(["d" * 60] * 4), "too long"),
    ],
)
def test_a_bad_address_is_refused_with_the_reason_and_without_itself(
    written: str, words: str
) -> None:
    with pytest.raises(InvalidAddress, match=words) as caught:
        normalise_email(written)
    assert written not in str(caught.value)


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalise_email(text)
    except InvalidAddress:
        return
    assert normalise_email(once) == once


@given(st.from_regex(r"[a-zA-Z0-9+.]{1,20}@[a-z]{1,10}\.(org|fr)", fullmatch=True))
def test_widening_keeps_the_domain_and_is_idempotent(address: str) -> None:
    once = widen_email(normalise_email(address))
    assert widen_email(once) == once
    assert once.rpartition("@")[2] == address.rpartition("@")[2]


def test_a_tag_is_dropped_for_suppression_only() -> None:
    assert widen_email("alice+news@example.org") == "alice@example.org"
    assert widen_email("+news@example.org") == "+news@example.org"


@pytest.mark.parametrize("written", ["01 23 45 67 89", "+33 1 23 45 67 89", "0033123456789"])
def test_a_number_has_one_form(written: str) -> None:
    assert normalise_phone(written) == "+33123456789"


@pytest.mark.parametrize("written", ["", "twelve", "12", "+33 1 23 45 67 89 01 23 45"])
def test_a_bad_number_is_refused(written: str) -> None:
    with pytest.raises(InvalidAddress):
        normalise_phone(written)


def test_tokens_and_fingerprints_depend_on_key_kind_and_address() -> None:
    def both(key: bytes, kind: int, address: str) -> tuple[int, bytes]:
        made = {"key": key, "kind": kind, "normalised": address}
        return index_token(**made), fingerprint(**made)  # type: ignore[arg-type]  # one dict, mixed

    first = both(KEY, 1, "a@example.org")
    others = [
        both(bytes(32), 1, "a@example.org"),
        both(KEY, 2, "a@example.org"),
        both(KEY, 1, "b@example.org"),
    ]
    assert first == both(KEY, 1, "a@example.org")
    assert len(first[1]) == 16
    assert -(2**63) <= first[0] < 2**63
    assert all(other[0] != first[0] and other[1] != first[1] for other in others)


@given(st.from_regex(r"[A-Za-z0-9-]{1,20}(\.[A-Za-z0-9-]{1,20}){0,3}", fullmatch=True))
def test_the_quick_way_of_a_plain_domain_is_the_way_of_idna(domain: str) -> None:
    try:
        slow = idna.encode(domain, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        slow = ""
    if indexes._PLAIN_DOMAIN.fullmatch(domain):
        assert indexes._wire_domain(domain) == slow
