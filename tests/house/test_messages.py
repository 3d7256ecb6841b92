"""The interface is whole in French. `make messages` writes what these tests compare."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.utils import translation

from deploy import messages
from deploy.messages import FRENCH_MO, as_mo, as_po, bring_up_to_date, collect, faults, read_french

# Outside the braces of merge fields: a plain space lets the sign fall onto the next line.
LOOSE = re.compile(r"« | »| [:;?!](?!\w)|'")
MERGE_FIELD = re.compile(r"\{\{.*?\}\}")


@pytest.fixture(scope="module")
def words() -> Catalog:
    return collect()


@pytest.fixture
def french() -> Catalog:
    return read_french()


def _keys(catalog: Catalog) -> set[tuple[str | None, str]]:
    return {(one.context, str(one.id)) for one in catalog if one.id}


def test_every_word_of_the_interface_is_in_the_catalog(words: Catalog, french: Catalog) -> None:
    assert len(_keys(words)) > 500
    assert _keys(words) - _keys(french) == set(), "run `make messages` and write their French"
    assert _keys(french) - _keys(words) == set(), "run `make messages`: these are gone"


def test_every_word_has_french_with_the_same_placeholders(french: Catalog) -> None:
    assert faults(french) == []


@pytest.mark.parametrize(
    "said",
    ["", "%(shown)s personne", "%(count)s <b>personnes</b>", "{{ first_name }} : %(count)s"],
)
def test_a_broken_translation_is_found(said: str) -> None:
    catalog = Catalog(locale="fr", fuzzy=False)
    catalog.add("{{ first_name }}: %(count)s <b>people</b>", said)
    assert len(faults(catalog)) == 1


def test_a_translation_that_nobody_confirmed_is_found() -> None:
    catalog = Catalog(locale="fr", fuzzy=False)
    catalog.add("People", "Personnes", flags=["fuzzy"])
    assert len(faults(catalog)) == 1


def test_each_form_of_a_plural_needs_its_placeholders() -> None:
    catalog = Catalog(locale="fr", fuzzy=False)
    catalog.add(("One person", "%(count)s people"), ("Une personne", "%(count)s personnes"))
    assert len(faults(catalog)) == 1


def test_what_is_compiled_is_what_is_written(french: Catalog) -> None:
    assert FRENCH_MO.read_bytes() == as_mo(french), "run `make messages`"


def test_collecting_twice_changes_nothing(words: Catalog, french: Catalog) -> None:
    bring_up_to_date(french, words)
    once = as_po(french)
    bring_up_to_date(french, collect())
    assert as_po(french) == once
    assert not re.search(rb"^#: .*:\d", once, re.MULTILINE), "line numbers move with every edit"


def _said(message: Message) -> str:
    said = message.string
    return MERGE_FIELD.sub("", said if isinstance(said, str) else " ".join(said or ()))


def test_french_spaces_and_apostrophes(french: Catalog) -> None:
    assert [m.string for m in french if m.id and LOOSE.search(_said(m))] == []


def test_templates_are_read_as_django_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "crm" / "templates" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text(
        '{% translate "Bounced" context "contact" %}\n'
        "   {% blocktranslate trimmed count n=1 with name=x %}\n  {{ n }} of {{ name }}\n"
        "{% plural %}\n  {{ n }} all of {{ name }}\n {% endblocktranslate %}\n"
        '{% include "a.html" with title=_("A title") %} {{ x|default:_("Nothing") }} it\'s 100 %'
    )
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    found = {(one.context, one.id) for one in collect() if one.id}
    assert found == {
        ("contact", "Bounced"),
        (None, ("%(n)s of %(name)s", "%(n)s all of %(name)s")),
        (None, "A title"),
        (None, "Nothing"),
    }


def test_pages_are_french_unless_somebody_asks_otherwise() -> None:
    with translation.override("fr"):
        assert translation.gettext("Contacts, newest first").startswith("Contacts, du plus")
    with translation.override("en"):
        assert translation.gettext("Contacts, newest first") == "Contacts, newest first"
