"""Verbs of `manage.py keys` about the ring's provider and the key of the index."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.index_rotation import (
    AddressesLacking,
    EpochState,
    RotationUnderWay,
    finish_index_rotation,
    index_epochs,
    rotate_index,
    work_on_index_rotation,
)
from privacy.vault.keyring import key_ring
from privacy.vault.moving import move_ring
from privacy.vault.providers import LOCAL, TRANSIT
from privacy.vault.ring_files import KeysMissing

VERBS = frozenset({"move", "rotate-index", "finish-index"})


def add_verbs(verbs: "_SubParsersAction[Any]") -> None:
    move: ArgumentParser = verbs.add_parser("move", help="wrap the ring with another provider")
    move.add_argument("--to", choices=[TRANSIT, LOCAL], required=True)
    rotate = verbs.add_parser("rotate-index", help="make a new key for the index of addresses")
    rotate.add_argument(
        "--here", action="store_true", help="write everybody anew in this command, not the worker"
    )
    finish = verbs.add_parser("finish-index", help="end a rotation that lacks addresses")
    finish.add_argument("--losing", type=int, required=True, help="how many, from keys status")


def handle(command: BaseCommand, verb: str, options: dict[str, Any]) -> None:
    try:
        match verb:
            case "move":
                _move(command, options["to"])
            case "rotate-index":
                _rotate(command, is_here=options["here"])
            case "finish-index":
                finish_index_rotation(losing=options["losing"], now=timezone.now())
                command.stdout.write("The old index epoch is retired; its rows go next.")
    except (KeysMissing, RotationUnderWay, AddressesLacking) as error:
        raise CommandError(str(error)) from None


def status_lines() -> Iterator[str]:
    """What wraps the ring, and the epochs of the index."""
    ring = key_ring()
    yield f"Wrapped by: {ring.provider.name}"
    if ring.provider.name == TRANSIT:
        yield f"  key server {settings.TRANSIT_URL}, token for {_token_life()}"
        if (ring.folder / "root.key").exists():
            yield "  root.key IS STILL THERE: run keys move --to transit again"
    for state in index_epochs():
        yield f"  index epoch {state.epoch}: {_role(state)}, {state.rows} rows"


def _token_life() -> str:
    try:
        seconds = key_ring().provider.renew()
    except KeysMissing as error:
        return f"nothing: {error}"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min" if seconds else "ever"


def _role(state: EpochState) -> str:
    row = state.row
    if row is None:
        return "alone"
    if row.emptied_at is not None:
        return "retired, no row left"
    if row.retired_at is not None:
        return "retired, its rows are being deleted"
    if row.filled_at is None:
        return f"being filled, {row.walked} people so far"
    if row.lacking:
        return f"LACKS {row.lacking} addresses that no document has (keys finish-index)"
    return "written under and asked about"


def _move(command: BaseCommand, to: str) -> None:
    if to == TRANSIT and not (settings.TRANSIT_URL and settings.TRANSIT_TOKEN):
        raise CommandError("Set ACCORD_TRANSIT_URL and ACCORD_TRANSIT_TOKEN first.")
    count = move_ring(settings.KEYS_DIR, to=to, now=timezone.now())
    command.stdout.write(f"{count} keys are wrapped by {to} now.")
    command.stdout.write(f"Set ACCORD_KEY_PROVIDER={to} for every process, and start them.")
    command.stdout.write("Copy the key ring to where its copies are: older copies open as before,")
    command.stdout.write("until their epochs are rotated and destroyed.")


def _rotate(command: BaseCommand, *, is_here: bool) -> None:
    epoch = rotate_index(now=timezone.now())
    command.stdout.write(f"Index epoch {epoch} is made.")
    command.stdout.write("Copy the key ring to where its copies are.")
    if not is_here:
        command.stdout.write("The worker writes everybody anew: keys status says how far it is.")
        return
    walked, is_idle = 0, False
    while not is_idle:
        work = work_on_index_rotation(now=timezone.now())
        walked, is_idle = walked + work.walked, work.is_idle
        command.stdout.write(f"  {walked} people")
    for line in status_lines():
        command.stdout.write(line)
