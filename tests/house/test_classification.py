"""No field goes without saying what it holds."""

import pytest
from django.apps import apps
from django.db import models

from deploy import classification
from deploy.classification import FIELDS, Holds, unclassified


def test_every_field_that_can_hold_words_is_declared() -> None:
    assert unclassified(None) == []


def test_a_field_nobody_declared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELDS, "crm.Contact", {"language": Holds.FACET, "nickname": Holds.FACET})
    found = [message.msg for message in unclassified(None)]
    assert "crm.Contact.country can hold words, and nobody has said which." in found
    assert "crm.Contact.nickname is declared and not there." in found


def test_what_is_sealed_is_bytes_and_what_sounds_personal_is_sealed_or_of_staff() -> None:
    telling = ("email", "phone", "given_name", "family_name", "ip_address", "user_agent", "iban")
    for model in apps.get_models(include_auto_created=True):
        declared = FIELDS.get(model._meta.label, {})
        for field in model._meta.concrete_fields:
            holds = declared.get(field.name)
            if holds is Holds.SEALED:
                assert isinstance(field, models.BinaryField), field
            if field.name in telling:
                assert holds in {Holds.SEALED, Holds.STAFF}, field


def test_the_kinds_are_explained() -> None:
    assert all(len(kind.value) > 15 for kind in classification.Holds)
