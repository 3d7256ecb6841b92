"""What an installation holds from before takes the new columns as if it had been written today."""

from importlib import import_module
from uuid import uuid4

import pytest
from django.db import connections, transaction

from consent.models import Permission
from tests.consent.people import later, newsletter, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
_MIGRATION = import_module("consent.migrations.0006_what_was_folded_and_published")


def test_permissions_of_before_know_the_last_event_that_was_folded() -> None:
    subject = uuid4()
    submit(subject, newsletter(is_ticked=True), needs_confirmation=False)
    submit(subject, newsletter(is_ticked=True), at=later(hours=1))  # asked again: changes nothing
    held = Permission.objects.values_list("event_id", "folded_at", "folded_seq")
    expected = held.get()
    assert expected[0] != expected[2]
    with transaction.atomic(), connections["default"].cursor() as cursor:
        for name in ("folded_at", "folded_seq"):
            cursor.execute(f"ALTER TABLE consent_permission ALTER {name} DROP NOT NULL")
        cursor.execute("UPDATE consent_permission SET folded_at = NULL, folded_seq = NULL")
        cursor.execute(_MIGRATION.FILL)
        assert held.get() == expected
        transaction.set_rollback(True)
