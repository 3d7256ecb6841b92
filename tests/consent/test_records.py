"""The ledger as records of ISO/IEC TS 27560: valid, complete, and without anybody's name."""

import json
from uuid import UUID

import pytest
import rdflib
from pytest_django import Settings

from consent import services
from consent.entries import canonical
from consent.models import LedgerEvent, Purpose, PurposeVersion, State
from consent.purposes import keep_version
from consent.records import record_document, record_documents, with_context
from privacy.services import enrol
from tests.consent import graph, people
from tests.consent.people import ALICE, BOB

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "company"),
]
DPV = rdflib.Namespace("https://w3id.org/dpv#")


@pytest.fixture
def cast() -> dict[str, UUID]:
    """Alice says yes and confirms nothing yet; Bob objects, and says no to the newsletter."""
    alice, bob = enrol(email=ALICE).subject_id, enrol(email=BOB).subject_id
    people.submit(alice, people.newsletter(is_ticked=True), people.promotion(is_ticked=False))
    people.submit(
        bob,
        people.newsletter(is_ticked=True),
        people.promotion(is_ticked=True),
        email=BOB,
        needs_confirmation=False,
    )
    link = services.opt_out_links(
        subjects={bob: BOB}, purpose_code="newsletter", now=people.later(hours=1)
    )[bob]
    token = link.one_click_url.rpartition("/")[2]
    people.decide("opt_out", at=people.later(hours=1), token=token)
    return {"alice": alice, "bob": bob}


def rows() -> list[LedgerEvent]:
    return list(
        LedgerEvent.objects.select_related("notice", "purpose", "assessment").order_by("seq")
    )


def test_every_record_of_the_cast_is_valid_json_ld_of_the_profile(cast: dict[str, UUID]) -> None:
    states = {row.event_state for row in rows()}
    assert states >= {
        State.NOTICE_SHOWN,
        State.CONSENT_REQUESTED,
        State.CONSENT_GIVEN,
        State.CONSENT_WITHDRAWN,
        State.INTEREST_INFORMED,
        State.INTEREST_NOT_OBJECTED,
        State.INTEREST_OBJECTED,
    }
    for row in rows():
        found = graph.graph_of(record_document(row))
        assert graph.complaints(found) == "", row.event_state
        assert graph.unknown_terms(found) == set(), row.event_state


def test_many_records_in_one_graph_do_not_get_mixed_up(cast: dict[str, UUID]) -> None:
    document = with_context({"@graph": record_documents(rows())})
    alone = services.records_of(subject_id=cast["alice"])["@graph"]
    assert [each for each in document["@graph"] if each in alone] == alone
    found = graph.graph_of(document)
    assert graph.complaints(found) == ""
    records = {*found.subjects(rdflib.RDF.type, DPV.ConsentRecord)}
    records |= {*found.subjects(rdflib.RDF.type, DPV.DataProcessingRecord)}
    assert len(records) == len(rows())


def test_the_profile_refuses_a_record_that_lacks_a_mandatory_field(
    cast: dict[str, UUID], settings: Settings
) -> None:
    """The validation validates: what is taken away is missed."""
    row = next(row for row in rows() if row.event_state == State.CONSENT_GIVEN)
    for name in ("dct:identifier", "dct:language", "dpv:hasDataSubject", "dpv:hasNotice",
                 "dpv:hasProcess", "dpv:hasConsentStatus", "dpv:hasEntity"):  # fmt: skip
        document = record_document(row)
        del document[name]
        assert graph.complaints(graph.graph_of(document)), name
    for name in record_document(row)["dpv:hasProcess"]:
        if name in {"@type", "dpv:hasScope", "dpv:hasDataSource"}:
            continue
        document = record_document(row)
        del document["dpv:hasProcess"][name]
        assert graph.complaints(graph.graph_of(document)), name
    settings.ORGANISATION_ADDRESS = ""
    assert graph.complaints(graph.graph_of(record_document(row)))


def test_a_record_says_what_the_header_says(cast: dict[str, UUID]) -> None:
    for row in rows():
        header, record = json.loads(canonical(row)), record_document(row)
        process = record["dpv:hasProcess"]
        assert record["dct:identifier"] == header["record_id"]
        assert record["dct:created"] == header["received_at"]
        assert process["dpv:hasLegalBasis"] == f"eu-gdpr:{header['basis']}"
        assert process["dpv:hasPurpose"]["dct:identifier"] == header["purpose_id"]
        assert record["dpv:hasNotice"]["accord:sha256"] == header["notice_sha256"]
        assert record.get("dct:references") == (
            f"urn:uuid:{header['shown_record']}" if header["shown_record"] else None
        )


def test_nothing_in_a_record_identifies_the_person(cast: dict[str, UUID]) -> None:
    text = json.dumps([record_document(row) for row in rows()])
    assert "example.org" not in text and "192.0.2.0" not in text
    for name in ("alice", "bob"):
        assert name not in text.lower()


def test_the_purpose_is_told_as_it_was_when_the_event_happened(cast: dict[str, UUID]) -> None:
    before = record_document(next(row for row in rows() if row.purpose_id == "newsletter"))
    purpose = Purpose.objects.get(code="newsletter")
    purpose.title_fr, purpose.version = "Autre chose", purpose.version + 1
    purpose.save()
    keep_version(purpose=purpose, actor_id=None, now=people.later(days=1))
    after = record_document(next(row for row in rows() if row.purpose_id == "newsletter"))
    assert after == before
    assert PurposeVersion.objects.filter(purpose="newsletter").count() == 2


def test_a_row_of_the_first_layout_is_told_what_the_purpose_says_now(
    cast: dict[str, UUID],
) -> None:
    row = next(row for row in rows() if row.purpose_id == "newsletter")
    row.layout, row.purpose_version, row.shown_record = 1, None, None
    title = record_document(row)["dpv:hasProcess"]["dpv:hasPurpose"]["dct:title"]
    assert title["@value"] == Purpose.objects.get(code="newsletter").title_fr


def test_an_imported_person_is_recorded_with_where_the_data_comes_from(
    cast: dict[str, UUID],
) -> None:
    row = rows()[0]
    row.source, row.import_batch = "Salon de l’exemple 2026", row.record_id
    source = record_document(row)["dpv:hasProcess"]["dpv:hasDataSource"]
    assert source["@type"] == "dpv:ThirdPartyDataSource"
    assert source["dct:title"] == "Salon de l’exemple 2026"
    assert graph.complaints(graph.graph_of(record_document(row))) == ""
