"""An installation whose index is rotated: its people, its rows, its stages."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import connections
from pytest_django import Settings

from privacy import index_rotation, services
from privacy.index_rotation import (
    KEY_OUTLIVES_ROWS,
    RECOUNT_AFTER,
    rotate_index,
    work_on_index_rotation,
)
from privacy.models import IndexEpoch, RetentionClass, TokenKind
from privacy.vault import tokens
from privacy.vault.keyring import key_ring
from privacy.vault.store import Document
from privacy.vault.tokens import token
from tests.conftest import NOW

PROFILE = RetentionClass.PROFILE


def addresses_of(document: Document) -> tuple[list[str], list[str]]:
    return list(document["emails"]), list(document.get("phones", []))


@contextmanager
def own_ring(settings: Settings, folder: Path) -> Iterator[None]:
    """The keys of this installation in a folder that the next test does not meet."""
    shutil.copytree(settings.KEYS_DIR, folder)
    settings.KEYS_DIR = folder
    before = list(index_rotation._READERS)
    services.register_address_reader(addresses_of)
    key_ring.cache_clear()
    yield
    index_rotation._READERS[:] = before
    tokens._KNOWN["living"] = [tokens.FIRST]
    key_ring.cache_clear()


def arrive(email: str, *, phone: str = "") -> UUID:
    """Somebody is enrolled, and the profile is written."""
    subject = services.enrol(email=email, phone=phone).subject_id
    document = {"emails": [email], "phones": [phone] if phone else []}
    services.write_document(subject_id=subject, retention_class=PROFILE, document=document)
    return subject


def rows() -> dict[int, dict[int, UUID]]:
    """epoch -> token -> subject, of e-mail addresses."""
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "SELECT epoch, token, subject_id FROM bidx WHERE kind = %s", [int(TokenKind.EMAIL)]
        )
        found: dict[int, dict[int, UUID]] = {}
        for epoch, number, subject in cursor.fetchall():
            found.setdefault(epoch, {})[number] = subject
    return found


def living() -> list[int]:
    epochs = IndexEpoch.objects.filter(retired_at=None).order_by("epoch")
    return list(epochs.values_list("epoch", flat=True)) or [1]


def said_of(email: str) -> dict[int, UUID]:
    """epoch -> subject of one address, in every epoch that has it."""
    held = rows()
    return {
        epoch: held[epoch][number]
        for epoch in held
        if (number := token(TokenKind.EMAIL, email, epoch)) in held[epoch]
    }


def drive(until: Callable[[], bool], *, limit: int = 2) -> None:
    """Let the worker work in small steps until something is so."""
    now, end = NOW, time.monotonic() + 60
    while time.monotonic() < end:
        if until():
            return
        work_on_index_rotation(now=now, limit=limit, batches=1)
        now += RECOUNT_AFTER
    raise AssertionError("The rotation does not come so far.")


def begun() -> None:
    rotate_index(now=NOW)


def half_filled() -> None:
    begun()
    young = IndexEpoch.objects.filter(epoch=living()[-1], walked__gt=0)
    drive(young.exists)


def filled() -> None:
    begun()
    drive(lambda: not IndexEpoch.objects.filter(filled_at=None).exists())


def retired() -> IndexEpoch:
    """Return the epoch that was retired."""
    old = living()[0]
    begun()
    drive(IndexEpoch.objects.filter(epoch=old).exclude(retired_at=None).exists)
    return IndexEpoch.objects.get(epoch=old)


def emptied() -> IndexEpoch:
    old = retired().epoch
    drive(IndexEpoch.objects.filter(epoch=old).exclude(emptied_at=None).exists)
    return IndexEpoch.objects.get(epoch=old)


def key_dropped() -> None:
    emptied_at = emptied().emptied_at
    assert emptied_at is not None
    work_on_index_rotation(now=emptied_at + KEY_OUTLIVES_ROWS)


STAGES = (begun, half_filled, filled, retired, emptied, key_dropped)
