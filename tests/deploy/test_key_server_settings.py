"""A key server that is half described refuses to start, and says what to write."""

import pytest

from tests.house.test_rules import _start

WHOLE = {
    "ACCORD_SECRET_KEY": "x" * 60,
    "ACCORD_KEY_PROVIDER": "transit",
    "ACCORD_TRANSIT_URL": "https://keys.example.org:8200",
    "ACCORD_TRANSIT_TOKEN": "s.token",
}


@pytest.mark.parametrize("process", ["owner", "staff", "worker"])
def test_a_described_key_server_starts(process: str) -> None:
    assert _start(process, **WHOLE).returncode == 0


@pytest.mark.parametrize("lacking", ["ACCORD_TRANSIT_URL", "ACCORD_TRANSIT_TOKEN"])
def test_what_is_lacking_is_named(lacking: str) -> None:
    rest = {name: value for name, value in WHOLE.items() if name != lacking}
    done = _start("worker", **rest)
    assert done.returncode != 0
    assert f"Set {lacking} (or {lacking}_FILE)" in done.stderr


@pytest.mark.parametrize("process", ["public", "beat"])
def test_who_uses_no_key_needs_no_token(process: str) -> None:
    done = _start(process, ACCORD_SECRET_KEY="x" * 60, ACCORD_KEY_PROVIDER="transit")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "address",
    [
        "http://keys.example.org:8200",
        "http://127.0.0.1.example.org",
        "keys.example.org",
        "ftp://127.0.0.1",
        "https://user:word@keys.example.org",
        "https://keys.example.org/?a=b",
        "http://[::1",
    ],
)
def test_the_token_never_travels_in_clear(address: str) -> None:
    done = _start("worker", **WHOLE | {"ACCORD_TRANSIT_URL": address})
    assert "ACCORD_TRANSIT_URL must be like https://" in done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:8200", "http://[::1]:8200"])
def test_this_machine_may_be_reached_without_tls(address: str) -> None:
    assert _start("worker", **WHOLE | {"ACCORD_TRANSIT_URL": address}).returncode == 0


def test_another_provider_is_named() -> None:
    done = _start("worker", **WHOLE | {"ACCORD_KEY_PROVIDER": "cloud"})
    assert "ACCORD_KEY_PROVIDER must be local or transit, not 'cloud'" in done.stderr
