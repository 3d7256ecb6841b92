"""A file of people, and the way it goes."""

from datetime import datetime
from uuid import UUID

from crm import services
from crm.imports import waiting
from crm.imports.waiting import Terms
from tests.conftest import NOW
from tests.consent.arrivals import ACTOR, SOURCE, publish_indirect_notice

TERMS = Terms(SOURCE, "targeted_promotion", "email", "imported", 1)


def file_of(*lines: str, header: str = "email;prenom;nom;societe;tags") -> bytes:
    return "\n".join([header, *lines]).encode()


def upload(content: bytes, *, now: datetime = NOW) -> UUID:
    publish_indirect_notice()
    batch = waiting.receive_file(content=content, terms=TERMS, actor_id=ACTOR, now=now)
    services.work_on_imports(now=now)
    return batch


def run(content: bytes, *, now: datetime = NOW) -> UUID:
    """Upload, look, confirm, and let the worker finish."""
    batch = upload(content, now=now)
    waiting.confirm(batch_id=batch)
    services.work_on_imports(now=now)
    return batch
