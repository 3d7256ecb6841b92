"""Tasks of the worker that fail while they hold somebody's profile."""

import os
import signal
from pathlib import Path
from uuid import UUID

from celery import shared_task

from crm.services import profiles


def _of(contact_id: str) -> dict[str, str]:
    number = UUID(contact_id)
    return vars(profiles(contact_ids=[number])[number])


@shared_task(name="canaries.crash", ignore_result=True)
def crash(contact_id: str) -> None:
    person = _of(contact_id)
    try:
        raise KeyError(person["phone"])  # noqa: TRY301
    except KeyError as error:
        raise RuntimeError(f"could not handle {person}") from error


@shared_task(name="canaries.die", ignore_result=True)
def die(contact_id: str, mark: str) -> None:
    """Kill -9 itself, once: the task comes back, because it was not acknowledged."""
    person = _of(contact_id)
    if person["email"] and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
