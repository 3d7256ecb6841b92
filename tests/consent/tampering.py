"""Somebody with every right on the database, who changes what nobody may change."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

GUARDED = ("consent_ledgerevent", "consent_permission", "consent_seal")


def tamper(*statements: str, parameters: Sequence[Any] = ()) -> None:
    """Run statements with the triggers off and no permission resting on the rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM consent_permission")
        for statement in statements:
            cursor.execute(statement, parameters or None)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
