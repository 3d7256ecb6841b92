"""manage.py ledger: how far it is sealed, seal now, or go through all that was sealed."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent.models import LedgerEvent, Seal
from consent.refolding import verify_permissions
from consent.sealing import SealBroken, ledger_signer, seal_ledger
from consent.verifying import Verification, verify_ledger
from privacy.services import (
    Head,
    KeysMissing,
    LogDamaged,
    NotAKey,
    NotFounded,
    NotSigned,
    Verifier,
    read_verifier,
)

_SAY_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "status: the newest head and the key to check it with. seal: put what is new into the"
        " log. verify: name every row that is not what was sealed; exit code 1 if there is one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["status", "seal", "verify"])
        parser.add_argument("--key", help="verify: the key as `status` wrote it, kept apart")
        parser.add_argument("--kept", type=Path, help="verify: the file of an earlier head")
        parser.add_argument(
            "--permissions", action="store_true", help="verify: also fold the ledger again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "status":
            self._status()
        elif options["verb"] == "seal":
            self._seal()
        else:
            self._verify(_verifier(options["key"]), options["kept"], options["permissions"])

    def _status(self) -> None:
        seal = Seal.objects.order_by("-tree_size").first()
        waiting = LedgerEvent.objects.filter(seq__gt=seal.last_seq if seal else 0)
        self.stdout.write(f"Log: {settings.ANCHOR_DIR}")
        if seal:
            self.stdout.write(f"  newest head: {seal.tree_size} entries, to row {seal.last_seq},")
            self.stdout.write(f"  signed {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write(f"  not sealed yet: {waiting.count()} rows")
        self.stdout.write("Its key; keep it apart from this machine:")
        self.stdout.write(str(_verifier(None)))

    def _seal(self) -> None:
        total = 0
        try:
            while count := seal_ledger(now=timezone.now()):
                total += count
        except SealBroken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{total} rows sealed.")

    def _verify(self, verifier: Verifier, kept: Path | None, with_permissions: bool) -> None:
        heads = [_kept(kept, verifier)] if kept else []
        found = verify_ledger(verifier=verifier, kept=heads, progress=self._progress("rows"))
        self._report(found)
        self.stdout.write(
            f"{found.rows} rows, {found.sealed} of them in the log, {found.heads} heads."
        )
        count = found.count
        if with_permissions:
            found = verify_permissions(progress=self._progress("permissions"))
            self._report(found)
            self.stdout.write(f"{found.rows} permissions folded again.")
            count += found.count
        if count:
            raise CommandError(f"{count} findings: something is not as it was written.")
        self.stdout.write("Everything is as it was written.")

    def _progress(self, what: str) -> Callable[[int], None]:
        started = said = time.monotonic()

        def progress(count: int) -> None:
            nonlocal said
            if (now := time.monotonic()) - said >= _SAY_EVERY_SECONDS:
                said = now
                self.stdout.write(f"  {count} {what}, {count / (now - started):.0f} a second")
                self.stdout.flush()

        return progress

    def _report(self, found: Verification) -> None:
        for each in found.findings:
            row = f" row {each.seq} (record {each.record_id})" if each.seq is not None else ""
            self.stdout.write(f"{each.fault.upper()}{row}: {each.detail}")
        if found.count > len(found.findings):
            self.stdout.write(f"... and {found.count - len(found.findings)} more.")


def _verifier(key: str | None) -> Verifier:
    try:
        return read_verifier(key) if key else ledger_signer().verifier
    except NotAKey as error:
        raise CommandError(f"{error} `ledger status` writes it.") from None
    except (KeysMissing, NotFounded, LogDamaged) as error:
        raise CommandError(f"{error} To verify without the key ring, name the key: --key") from None


def _kept(path: Path, verifier: Verifier) -> Head:
    try:
        return verifier.open(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, NotSigned) as error:
        raise CommandError(f"{path}: {error}") from None
