"""The ledger in the words of JSON-LD: its terms in DPV 2.2 and in the extensions of DPV."""

from typing import Any

from consent.models import Basis, State

DPV = "https://w3id.org/dpv#"
GDPR = "https://w3id.org/dpv/legal/eu/gdpr#"
RECORD_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
RECEIPT_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"

_LINKS = [
    "dct:conformsTo", "dct:publisher", "dct:references", "dct:replaces", "dct:type",
    "schema:url", "skos:broader", "dpv:hasAssessment", "dpv:hasAuthority",
    "dpv:hasConsentControl", "dpv:hasConsentStatus", "dpv:hasDataController",
    "dpv:hasDataProtectionOfficer", "dpv:hasDataSource", "dpv:hasDataSubject", "dpv:hasEntity",
    "dpv:hasEntityInvolvement", "dpv:hasJurisdiction", "dpv:hasLegalBasis", "dpv:hasLocation",
    "dpv:hasNotice", "dpv:hasNoticeStatus", "dpv:hasPersonalData", "dpv:hasProcess",
    "dpv:hasPurpose", "dpv:hasRecipient", "dpv:hasRecordOfActivity", "dpv:hasRight",
    "dpv:hasScope", "dpv:hasStatus", "dpv:hasStorageCondition", "dpv:isExercisedAt",
    "dpv:isIndicatedBy",
]  # fmt: skip
_TIMES = ["dct:created", "dct:issued", "dpv:isIndicatedAtTime"]

# Inline, so that nobody who reads a record has to ask anybody for it.
CONTEXT: dict[str, Any] = {
    "dpv": DPV,
    "eu-gdpr": GDPR,
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    # What neither DPV nor schema.org has a word for.
    "accord": "urn:accord:terms#",
    **{name: {"@id": name, "@type": "@id"} for name in _LINKS},
    **{name: {"@id": name, "@type": "xsd:dateTime"} for name in _TIMES},
    # Evidence for a verifier, not statements: no processor shall read it as such.
    "ledger": None,
    "signature": None,
}

# 27560's "event type". The first column is what the ledger holds: a row never changes, so a word
# that is not the vocabulary's own is translated here and not there.
EVENT_TYPES = {
    "DirectDataCollectionNotice": "eu-gdpr:DirectDataCollectionNotice",
    "IndirectDataCollectionNotice": "eu-gdpr:IndirectDataCollectionNotice",
    "NoticeCommunicated": "dpv:NoticeCommunicated",
    "ExpressedConsent": "dpv:ExpressedConsent",
    "ReaffirmConsent": "dpv:ReaffirmConsent",
    "RefuseConsent": "dpv:RefuseConsent",
    "WithdrawConsent": "dpv:WithdrawConsent",
    # DPV has the objection as an act, and no word for the act that did not take place.
    "ObjectionIndicated": "dpv:ObjectingToProcess",
    "NoObjection": "dpv:LegitimateInterestNotObjected",
    # Nor one for data that came from elsewhere, before its person is told.
    "ArrivedByImport": "dpv:LegitimateInterestUninformed",
}

_STATUS = {
    "Consent": "dpv:hasConsentStatus",
    "RenewedConsent": "dpv:hasConsentStatus",
    "LegitimateInterest": "dpv:hasStatus",
    "Notice": "dpv:hasNoticeStatus",
}

# Rights that a person has by the basis (GDPR 7(3), 15 to 18, 20, 21, 77).
_EVERYBODYS = ("A15", "A16", "A17", "A18", "A77")
_BY_BASIS: dict[str, tuple[str, ...]] = {
    Basis.CONSENT: ("A7-3", "A20"),
    Basis.LEGITIMATE_INTEREST: ("A21",),
    Basis.PRE_CONTRACT: ("A20",),
    Basis.CONTRACT: ("A20",),
}


def event_type(name: str) -> str:
    """Return the term of an event type; raises KeyError for a word that has none."""
    return EVENT_TYPES[name]


def status_property(state: str) -> str:
    """Return the property by which a record says its state."""
    return next(name for prefix, name in _STATUS.items() if state.startswith(prefix))


def rights(basis: str) -> list[str]:
    """Return the rights that go with a basis, as terms."""
    return [f"eu-gdpr:{name}" for name in sorted((*_EVERYBODYS, *_BY_BASIS.get(basis, ())))]


def every_term() -> set[str]:
    """Return the full IRI of every state, basis, type and right that a record can hold."""
    found = {f"{DPV}{state.value}" for state in State}
    found |= {f"{GDPR}{basis.value}" for basis in Basis}
    short = {*EVENT_TYPES.values(), *_STATUS.values(), *_LINKS, *_TIMES}
    short |= {term for basis in Basis for term in rights(basis)}
    for term in short:
        prefix, _, name = term.partition(":")
        found.add(f"{CONTEXT[prefix]}{name}")
    return {iri for iri in found if iri.startswith("https://w3id.org/dpv")}
