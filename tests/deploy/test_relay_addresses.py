"""The addresses of further relays, each a secret of its own."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from deploy.environment import relay_addresses


def test_each_code_has_its_address_in_the_environment_or_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "brevo").write_text("anymail:brevo?api_key=1\n")
    monkeypatch.setenv("ACCORD_RELAYS", "north, brevo_eu")
    monkeypatch.setenv("ACCORD_RELAY_URL_NORTH", "smtps://north.example.org")
    monkeypatch.setenv("ACCORD_RELAY_URL_BREVO_EU_FILE", str(tmp_path / "brevo"))
    assert relay_addresses("ACCORD_RELAYS") == {
        "north": "smtps://north.example.org",
        "brevo_eu": "anymail:brevo?api_key=1",
    }


@pytest.mark.parametrize("listed", ["default", "North", "a b", "1st", "north"])
def test_a_name_that_is_none_and_a_missing_address_refuse_to_start(
    monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("ACCORD_RELAYS", listed)
    with pytest.raises(ImproperlyConfigured):
        relay_addresses("ACCORD_RELAYS")
