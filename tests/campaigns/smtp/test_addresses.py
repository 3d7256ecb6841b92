from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.smtp.addresses import (
    BadAddress,
    BadRelayAddress,
    RelayAddress,
    read_verp_address,
    verp_address,
    wire_address,
)


def test_a_relay_address_is_read_whole() -> None:
    address = RelayAddress.parse("smtp://us%40er:p%2Fw@relay.example:587?timeout=12&ehlo=me.fr")
    assert (address.host, address.port, address.security) == ("relay.example", 587, "starttls")
    assert (address.username, address.password) == ("us@er", "p/w")
    assert (address.timeout_seconds, address.ehlo_name) == (12.0, "me.fr")


def test_tls_from_the_first_byte_has_its_own_scheme_and_port() -> None:
    address = RelayAddress.parse("smtps://relay.example")
    assert (address.port, address.security) == (465, "tls")


def test_starttls_is_required_except_on_this_machine() -> None:
    assert RelayAddress.parse("smtp://relay.example").security == "starttls"
    assert RelayAddress.parse("smtp://127.0.0.1:2525").security == "none"
    assert RelayAddress.parse("smtp://r.example?starttls=offered").security == "opportunistic"


@pytest.mark.parametrize(
    "url",
    [
        "http://relay.example",
        "smtp://",
        "smtp://relay.example:99999",
        "smtp://user:secret@[relay.example",
        "smtp://relay.example?starttls=maybe",
        "smtp://relay.example?timeout=never",
        "smtp://relay.example?timeout=0",
        "smtp://relay.example?colour=blue",
        "smtp://user:secret@relay.example?starttls=never",
        "smtp://user:secret@relay.example?starttls=offered",
    ],
)
def test_a_relay_address_that_cannot_be_meant_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadRelayAddress) as caught:
        RelayAddress.parse(url)
    assert "secret" not in str(caught.value)


def test_the_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(RelayAddress.parse("smtps://user:secret@relay.example"))


def test_a_domain_goes_out_in_a_labels() -> None:
    assert wire_address("Zoe@Société.FR") == "Zoe@xn--socit-esab.fr"


@pytest.mark.parametrize("address", ["a@b@c.fr", "a..b", "é" * 33 + "@b.fr", 'a"b@c.fr', "a@-_"])
def test_an_address_error_does_not_repeat_the_address(address: str) -> None:
    with pytest.raises(BadAddress) as caught:
        wire_address(address)
    assert address not in str(caught.value)


@given(delivery=st.integers(0, 2**63 - 1) | st.uuids(), mac=st.binary(min_size=10, max_size=32))
def test_a_return_path_reads_back_even_when_a_relay_changed_its_case(
    delivery: int | UUID, mac: bytes
) -> None:
    address = verp_address(delivery=delivery, mac=mac, domain="mail.example.fr")
    assert len(address.split("@")[0]) <= 64
    assert read_verp_address(address) == (delivery, mac[:10])
    assert read_verp_address(address.upper()) == (delivery, mac[:10])


@pytest.mark.parametrize("address", ["bounce@x.fr", "bounce+@x.fr", "bounce+aaa@x.fr", "a+b@x.fr"])
def test_a_return_path_we_did_not_write_is_nobodys(address: str) -> None:
    assert read_verp_address(address) is None


def test_a_short_mac_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        verp_address(delivery=1, mac=b"short", domain="x.fr")
