"""manage.py ledger: how far it is sealed, seal now, or go through all that was sealed."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent.models import LedgerEvent, Seal
from consent.sealing import SealBroken, ledger_signer, seal_ledger
from consent.verifying import Verification, verify_ledger
from privacy.services import KeysMissing, LogDamaged, NotAKey, Verifier, read_verifier

_SAY_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "status: the newest head and the key to check it with. seal: put what is new into the"
        " log. verify: name every row that is not what was sealed; exit code 1 if there is one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["status", "seal", "verify"])
        parser.add_argument(
            "--key", help="verify: the key as `ledger status` wrote it (name+hash+key), kept apart"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verb = getattr(self, f"_{options['verb']}")
        verb(options["key"])

    def _status(self, _key: str | None) -> None:
        seal = Seal.objects.order_by("-tree_size").first()
        waiting = LedgerEvent.objects.filter(seq__gt=seal.last_seq if seal else 0)
        self.stdout.write(f"Log: {settings.ANCHOR_DIR}")
        if seal:
            self.stdout.write(f"  newest head: {seal.tree_size} entries, to row {seal.last_seq},")
            self.stdout.write(f"  sealed {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write(f"  not sealed yet: {waiting.count()} rows")
        self.stdout.write("Its key. Keep it apart from this machine:")
        self.stdout.write(str(_verifier(None)))

    def _seal(self, _key: str | None) -> None:
        total = 0
        try:
            while count := seal_ledger(now=timezone.now()):
                total += count
        except SealBroken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{total} rows sealed.")

    def _verify(self, key: str | None) -> None:
        started = said = time.monotonic()

        def progress(rows: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _SAY_EVERY_SECONDS:
                said = time.monotonic()
                self.stdout.write(f"  {rows} rows, {rows / (said - started):.0f} a second")
                self.stdout.flush()

        found = verify_ledger(verifier=_verifier(key), progress=progress)
        self._report(found)
        if not found.holds:
            raise CommandError(f"{found.count} findings: the ledger is not what was sealed.")
        self.stdout.write("Everything is as it was sealed.")

    def _report(self, found: Verification) -> None:
        for finding in found.findings:
            row = f"row {finding.seq} (record {finding.record_id}): " if finding.seq else ""
            self.stdout.write(f"{finding.fault.upper()} {row}{finding.detail}")
        if found.count > len(found.findings):
            self.stdout.write(f"... and {found.count - len(found.findings)} more.")
        self.stdout.write(
            f"{found.rows} rows, {found.sealed} of them in the log, {found.heads} heads."
        )


def _verifier(key: str | None) -> Verifier:
    try:
        return read_verifier(key) if key else ledger_signer().verifier
    except NotAKey as error:
        raise CommandError(f"{error} `ledger status` writes it.") from None
    except (KeysMissing, LogDamaged) as error:
        raise CommandError(f"{error} To verify without the key ring, name the key: --key") from None
