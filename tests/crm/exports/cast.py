"""People who may be written to and people who may not, and exports of them."""

import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.test import Client

from consent import services
from crm.exports.asking import ask_export
from crm.exports.downloading import begin_download
from crm.exports.making import work_on_exports
from crm.exports.terms import ALL, ExportTerms
from crm.models import Account, Export
from crm.services import Facets, Person, receive_many
from tests.conftest import NOW
from tests.consent.people import promotion, submit

PURPOSE, DOMAIN = "targeted_promotion", "mail.localhost.example"
EVERY_COLUMN = ("email", "given_name", "family_name", "phone", "company", "language", "tags")


def person(name: str, *, objects: bool = False, is_asked: bool = True, **more: str) -> UUID:
    """Somebody who filled in a form, was told of our offers, and objected or did not."""
    email = f"{name}@example.org"
    facets: Facets = {"language": "fr", "source": "test", "tags": ("fair",)}
    who = Person(email=email, **{"given_name": name.title(), "family_name": "Martin", **more})
    contact = receive_many(people=[(who, facets)], now=NOW)[0]
    if is_asked:
        submit(contact, promotion(is_ticked=objects), email=email, needs_confirmation=False)
    return contact


def terms(**changes: object) -> ExportTerms:
    services.seed_purposes(now=NOW)
    asked = {
        "scope": ALL,
        "scope_id": "",
        "purpose_code": PURPOSE,
        "channel": "email",
        "reason": "event",
        "columns": EVERY_COLUMN,
        **changes,
    }
    return ExportTerms(**asked)  # type: ignore[arg-type]


def ask(
    account: Account, *, now: Any = NOW, source_id: UUID | None = None, **changes: Any
) -> Export:
    number = ask_export(
        terms=terms(**changes), source_id=source_id or uuid4(), actor_id=account.id, now=now
    )
    return Export.objects.get(id=number)


def made(account: Account, *, now: datetime = NOW, **changes: Any) -> Export:
    export = ask(account, now=now, **changes)
    work_on_exports(now=now)
    export.refresh_from_db()
    return export


def take(export: Export, *, now: datetime = NOW) -> bytes:
    download = begin_download(
        export_id=export.id, account_id=export.requested_by, domain=DOMAIN, now=now
    )
    return b"".join(download)


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The people of a file, without those who do not exist."""
    text = content.decode().removeprefix("\ufeff")
    found = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    return [row for row in found if DOMAIN not in row.get("email", "")]


def body_of(client: Client, url: str) -> bytes:
    answer = client.post(url)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]
