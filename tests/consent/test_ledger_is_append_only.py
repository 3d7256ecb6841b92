"""Evidence is written once: not even the owner of the tables changes it."""

import uuid

import pytest
from psycopg import errors

from tests.conftest import Connect

NOTICE = (
    "INSERT INTO consent_notice (id, code, version, language, text, sha256, is_substantive,"
    " published_at, revision, kind, document)"
    " VALUES (%s, 'contact', 1, 'fr', 'texte', %s, true, now(), 0, 'direct', '{}')"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_notice SET text = 'other'",
        "DELETE FROM consent_notice",
        "TRUNCATE consent_notice CASCADE",
    ],
)
def test_the_owner_cannot_change_a_notice(connect: Connect, statement: str) -> None:
    with connect("owner", "crm") as connection:
        connection.execute(NOTICE, [uuid.uuid4(), bytes(32)])
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            connection.execute(statement)


PURPOSE = (
    "INSERT INTO consent_purpose (code, number, iri, title_fr, title_en, description_fr,"
    " description_en, channels, is_marketing, retention_days, recipients_fr, recipients_en,"
    " position, more_iris, data_categories, bases, version) VALUES"
    " ('a-purpose', 900, '', '', '', '', '', '[]', true, 1095, '', '', 0, '[]', '[]', '[]', 1)"
)
EVENT = (
    "INSERT INTO consent_ledgerevent (record_id, schema_version, subject_id, channel, purpose_id,"
    " basis, event_state, event_type, event_at, received_at, indicated_by, method, form_code,"
    " language, source_id, entry_hash, layout, source, notice_sha256)"
    " VALUES (gen_random_uuid(), '', gen_random_uuid(), 'email', 'a-purpose', %s, %s, '', now(),"
    " now(), 'subject', 'form', '',"
    " 'fr', gen_random_uuid(), '', 2, '', %s)"
)


@pytest.mark.parametrize(
    "verb", ["UPDATE consent_ledgerevent SET method = ''", "DELETE FROM consent_ledgerevent"]
)
def test_the_owner_cannot_change_an_event(connect: Connect, verb: str) -> None:
    with connect("owner", "crm") as connection:
        connection.execute(PURPOSE)
        connection.execute(EVENT, ["A6-1-a", "ConsentGiven", bytes(32)])
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            connection.execute(verb)


def test_no_legitimate_interest_without_its_assessment(connect: Connect) -> None:
    with connect("owner", "crm") as connection:
        connection.execute(PURPOSE)
        with pytest.raises(errors.CheckViolation, match="interest_has_assessment"):
            connection.execute(
                EVENT, ["A6-1-f-controller", "LegitimateInterestNotObjected", bytes(32)]
            )


def test_no_permission_without_the_notice_that_was_shown(connect: Connect) -> None:
    with connect("owner", "crm") as connection:
        connection.execute(PURPOSE)
        with pytest.raises(errors.CheckViolation, match="permission_has_notice"):
            connection.execute(EVENT, ["A6-1-a", "ConsentGiven", None])


def test_staff_cannot_even_ask_to_change_the_ledger(connect: Connect) -> None:
    with connect("staff", "crm") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("DELETE FROM consent_ledgerevent")
