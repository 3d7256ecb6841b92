"""Every term of the Data Privacy Vocabulary that the product writes is one of the vocabulary."""

import re
from pathlib import Path

import pytest

from consent.dpv import purpose_terms, terms
from consent.jsonld import CONTEXT, EVENT_TYPES, every_term
from consent.purposes import PURPOSES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for floor in ("privacy", "consent", "crm", "forms_intake", "campaigns", "deploy")
    for path in (ROOT / floor).rglob("*.py")
    if "migrations" not in path.parts
]
_PREFIXES = {
    name: iri for name, iri in CONTEXT.items() if str(iri).startswith("https://w3id.org/dpv")
}
_FULL = re.compile(r"https://w3id\.org/dpv(?:/[a-z/]+)?#[A-Za-z0-9-]+")
_SHORT = re.compile(rf"\"((?:{'|'.join(_PREFIXES)}):[A-Za-z0-9-]+)\"")
# f"{DPV}DirectMarketing"
_FILLED_IN = re.compile(r"\{(DPV|GDPR|PD)\}([A-Za-z][A-Za-z0-9-]*)")
_CONSTANTS = {"DPV": "dpv", "GDPR": "eu-gdpr", "PD": "pd"}
# Names of schemas, not of terms.
_PROFILES = "https://w3id.org/dpv/schema/"


def test_the_list_says_where_it_comes_from_and_has_the_terms_we_know() -> None:
    known = terms()
    assert known["https://w3id.org/dpv#ConsentGiven"] == "Consent Given"
    assert known["https://w3id.org/dpv/legal/eu/gdpr#A6-1-f-controller"]
    assert "https://w3id.org/dpv#DirectMarketing" in purpose_terms()
    assert "https://w3id.org/dpv#ConsentGiven" not in purpose_terms()


def test_every_purpose_is_an_instance_of_one_of_the_vocabulary() -> None:
    written = {iri for purpose in PURPOSES for iri in (purpose.iri, *purpose.more_iris)}
    assert written <= set(purpose_terms())
    categories = {iri for purpose in PURPOSES for iri in purpose.data_categories}
    assert categories <= set(terms())


def test_every_state_basis_type_and_right_is_a_term() -> None:
    assert every_term() <= set(terms()), every_term() - set(terms())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_term_written_in_a_source_is_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    written = {iri for iri in _FULL.findall(text) if not iri.startswith(_PROFILES)}
    for short in _SHORT.findall(text):
        prefix, _, name = short.partition(":")
        written.add(f"{_PREFIXES[prefix]}{name}")
    for constant, name in _FILLED_IN.findall(text):
        written.add(f"{_PREFIXES[_CONSTANTS[constant]]}{name}")
    assert written <= set(terms()), written - set(terms())


def test_every_type_of_event_that_is_written_has_its_term() -> None:
    said: set[str] = set()
    for path in (ROOT / "consent").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        said |= set(re.findall(r"event_type=\"(\w+)\"", text))
        for table in re.findall(r"_EVENT_TYPES = \{(.*?)\}", text, re.DOTALL):
            said |= set(re.findall(r": \"(\w+)\"", table))
    assert said >= {"ExpressedConsent", "DirectDataCollectionNotice"}
    assert said | {"WithdrawConsent", "ObjectionIndicated"} <= set(EVENT_TYPES)
