"""Events of the ledger as consent records of ISO/IEC TS 27560, through DPV, in JSON-LD.

The record is a view. What is evidence is the canonical header (`consent/entries.py`): its hash is
in the ledger and in the log, and a receipt carries it beside its view. Nothing here can tell who
the person is: the subject is a random id.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from consent.jsonld import CONTEXT, event_type, rights, status_property
from consent.models import Basis, LedgerEvent, Notice, NoticeKind, PurposeVersion
from consent.purposes import told

Document = dict[str, Any]
_CNIL = "https://w3id.org/dpv/legal/fr#DPA-FR"
# Where a person says no without any link: the page asks for the address.
_NO_BY_ADDRESS = "/no"
_INDICATED_BY = {
    "subject": "dpv:DataSubject",
    "controller": "dpv:DataController",
    "authority": "dpv:Authority",
}


def urn(number: UUID) -> str:
    return f"urn:uuid:{number}"


def moment(at: datetime) -> str:
    """Write a moment as the canonical header does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def with_context(document: Mapping[str, Any]) -> Document:
    """Return a document that stands alone."""
    return {"@context": CONTEXT, **document}


def record_document(row: LedgerEvent) -> Document:
    """Return the record of one event, standing alone."""
    return with_context(record_documents([row])[0])


def records_of(*, subject_id: UUID) -> Document:
    """Return every record of a person as one graph, oldest first (GDPR 15(3) and 20)."""
    rows = LedgerEvent.objects.filter(subject_id=subject_id)
    related = rows.select_related("notice", "purpose", "assessment").order_by("seq")
    return with_context({"@graph": record_documents(list(related))})


def record_documents(rows: Sequence[LedgerEvent]) -> list[Document]:
    """Return the records of events, without their context, in a fixed number of queries."""
    facts = purpose_facts(rows)
    return [_record(row, facts[row.purpose_id, row.purpose_version]) for row in rows]


def purpose_facts(rows: Iterable[LedgerEvent]) -> dict[tuple[str, int | None], Mapping[str, Any]]:
    """Return what each purpose said in the version that an event names.

    Rows of layout 1 name none: they are told what the purpose says now.
    """
    wanted = {(row.purpose_id, row.purpose_version): row for row in rows}
    kept = PurposeVersion.objects.filter(purpose__in={code for code, _version in wanted})
    documents = {(each.purpose_id, each.version): each.document for each in kept}
    return {
        key: documents[key] if key in documents else told(row.purpose)
        for key, row in wanted.items()
    }


def _record(row: LedgerEvent, facts: Mapping[str, Any]) -> Document:
    return _present(
        {
            "@id": urn(row.record_id),
            "@type": "dpv:ConsentRecord"
            if row.basis == Basis.CONSENT
            else "dpv:DataProcessingRecord",
            "dct:conformsTo": row.schema_version,
            "dct:identifier": str(row.record_id),
            "dct:created": moment(row.received_at),
            "dct:language": row.language,
            "dct:replaces": urn(row.supersedes) if row.supersedes else None,
            # The record that says which notice had been shown.
            "dct:references": urn(row.shown_record) if row.shown_record else None,
            "dpv:hasDataSubject": urn(row.subject_id),
            "dpv:hasNotice": notice_document(row.notice) if row.notice else None,
            "dpv:hasProcess": _process(row, facts),
            status_property(row.event_state): _status(row),
            "dpv:hasEntity": [_controller(), _officer(), _authority(), _subject(row.subject_id)],
        }
    )


def _present(document: Mapping[str, Any]) -> Document:
    return {name: value for name, value in document.items() if value not in (None, "", [])}


def _status(row: LedgerEvent) -> Document:
    return _present(
        {
            "@type": f"dpv:{row.event_state}",
            "dct:type": event_type(row.event_type),
            "dpv:isIndicatedAtTime": moment(row.event_at),
            "dpv:isIndicatedBy": _INDICATED_BY[row.indicated_by],
            "dpv:hasIndicationMethod": row.method,
            "dpv:hasDuration": _validity(row),
            "accord:controlTextSha256": _hex(row.control_text_sha256),
        }
    )


def _validity(row: LedgerEvent) -> Document:
    if row.valid_until:
        until = {"@type": "xsd:dateTime", "@value": moment(row.valid_until)}
        return {"@type": "dpv:UntilTimeDuration", "rdf:value": until}
    # Until the person says otherwise: an act without a date of its own ends with the next one.
    return {"@type": "dpv:UntilEventDuration", "rdf:value": "next record of the same purpose"}


def _hex(value: bytes | memoryview | None) -> str | None:
    return bytes(value).hex() if value else None


def notice_document(notice: Notice, *, with_text: bool = False) -> Document:
    """Return a notice as a record names it; with its text, as a receipt repeats it."""
    kind = "IndirectDataCollectionNotice" if notice.kind == NoticeKind.INDIRECT else None
    return _present(
        {
            "@id": urn(notice.id),
            "@type": ["dpv:PrivacyNotice", f"eu-gdpr:{kind}"] if kind else "dpv:PrivacyNotice",
            "dct:identifier": notice.code,
            "dct:language": notice.language,
            "dct:issued": moment(notice.published_at),
            "schema:version": notice.version,
            "accord:revision": notice.revision,
            "accord:sha256": _hex(notice.sha256),
            "schema:text": {"@language": notice.language, "@value": notice.text}
            if with_text
            else None,
        }
    )


# --- processing ------------------------------------------------------------------------------


def _process(row: LedgerEvent, facts: Mapping[str, Any]) -> Document:
    return _present(
        {
            "@type": "dpv:Process",
            "dpv:hasPurpose": _purpose(row, facts),
            "dpv:hasScope": {"@type": "dpv:Scope", "dct:identifier": row.channel},
            "dpv:hasLegalBasis": f"eu-gdpr:{row.basis}",
            "dpv:hasPersonalData": list(facts["data_categories"]) or ["dpv:PersonalData"],
            "dpv:hasDataSource": _source(row),
            "dpv:hasStorageCondition": _storage(facts),
            "dpv:hasDataController": _controller_id(),
            "dpv:hasRecipient": _recipients(row, facts),
            "dpv:hasJurisdiction": ["loc:FR", "loc:EU"],
            "dpv:hasAuthority": _CNIL,
            "dpv:hasRight": [_right(name) for name in rights(row.basis)],
            "dpv:hasAssessment": _assessment(row),
            **_way_out(row),
        }
    )


def _in_language(row: LedgerEvent, facts: Mapping[str, Any], name: str) -> Document | None:
    language = "en" if row.language == "en" else "fr"
    text = facts[f"{name}_{language}"]
    return {"@language": language, "@value": text} if text else None


def _purpose(row: LedgerEvent, facts: Mapping[str, Any]) -> Document:
    return _present(
        {
            # With its version: what one version says is never said of another.
            "@id": f"urn:accord:purpose:{row.purpose_id}:{row.purpose_version or 'now'}",
            "@type": "dpv:Purpose",
            "skos:broader": [facts["iri"], *facts["more_iris"]],
            "dct:identifier": row.purpose_id,
            "schema:version": row.purpose_version,
            "dct:title": _in_language(row, facts, "title"),
            "dct:description": _in_language(row, facts, "description"),
        }
    )


def _source(row: LedgerEvent) -> Document:
    """27560's "collection method": the person on a form, or whoever the list came from."""
    if row.import_batch or row.source:
        batch = urn(row.import_batch) if row.import_batch else None
        other = {"dct:title": row.source, "dct:identifier": batch}
        return _present({"@type": "dpv:ThirdPartyDataSource", **other})
    form = {"dct:identifier": row.form_code, "schema:version": row.form_version}
    return _present({"@type": "dpv:DataSubjectDataSource", **form})


def _storage(facts: Mapping[str, Any]) -> list[Document]:
    days = {"@type": "xsd:duration", "@value": f"P{facts['retention_days']}D"}
    duration = {"@type": "dpv:TemporalDuration", "rdf:value": days}
    return [
        {"@type": "dpv:StorageLocation", "dpv:hasLocation": "loc:FR"},
        {"@type": "dpv:StorageDuration", "dpv:hasDuration": duration},
    ]


def _recipients(row: LedgerEvent, facts: Mapping[str, Any]) -> Document:
    """GDPR 13(1)(e): recipients or their categories; without any, it is the controller alone."""
    described = _in_language(row, facts, "recipients")
    if described is None:
        return {"@id": _controller_id()}
    return {"@type": "dpv:Recipient", "dct:description": described}


def _right(name: str) -> Document:
    complaint = name == "eu-gdpr:A77"
    return {
        "@type": ["dpv:DataSubjectRight", name],
        "dpv:isExercisedAt": "https://www.cnil.fr/fr/plaintes" if complaint else _address_of_no(),
    }


def _assessment(row: LedgerEvent) -> Document | None:
    if not row.assessment:
        return None
    return {
        "@id": urn(row.assessment.id),
        "@type": "dpv:LegitimateInterestAssessment",
        "schema:version": row.assessment.version,
        "dct:issued": moment(row.assessment.approved_at),
    }


def _way_out(row: LedgerEvent) -> Document:
    """27560's "withdrawal method": of a consent its withdrawal, of anything else the objection."""
    if row.basis == Basis.CONSENT:
        control = {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": _address_of_no()}
        return {"dpv:hasConsentControl": control}
    objection = {"@type": "dpv:ObjectingToProcess", "dpv:isExercisedAt": _address_of_no()}
    return {"dpv:hasEntityInvolvement": objection}


def _address_of_no() -> str:
    # Not the person's own link: whoever holds that one can choose for them.
    return f"{settings.PUBLIC_URL}{_NO_BY_ADDRESS}"


# --- parties ---------------------------------------------------------------------------------


def _controller_id() -> str:
    return f"{settings.PUBLIC_URL}/#controller"


def _controller() -> Document:
    return _present(
        {
            "@id": _controller_id(),
            "@type": ["dpv:DataController", "dpv:Organisation"],
            "dpv:hasIdentifier": _controller_id(),
            "dpv:hasName": settings.ORGANISATION_NAME,
            "dpv:hasAddress": settings.ORGANISATION_ADDRESS,
            "dpv:hasContact": settings.DPO_ADDRESS,
            "schema:url": f"{settings.PUBLIC_URL}/",
            "dpv:hasDataProtectionOfficer": f"{settings.PUBLIC_URL}/#dpo",
        }
    )


def _officer() -> Document:
    return {
        "@id": f"{settings.PUBLIC_URL}/#dpo",
        "@type": "dpv:DataProtectionOfficer",
        "dpv:hasContact": settings.DPO_ADDRESS,
    }


def _authority() -> Document:
    return {
        "@id": _CNIL,
        "@type": "dpv:DataProtectionAuthority",
        "dpv:hasIdentifier": _CNIL,
        "dpv:hasName": "Commission nationale de l’informatique et des libertés (CNIL)",
        "dpv:hasAddress": "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07",
        "dpv:hasContact": "https://www.cnil.fr/fr/plaintes",
        "schema:url": "https://www.cnil.fr/",
    }


def _subject(subject_id: UUID) -> Document:
    return {
        "@id": urn(subject_id),
        "@type": "dpv:DataSubject",
        "dpv:hasIdentifier": urn(subject_id),
    }
