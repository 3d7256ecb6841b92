"""`manage.py keys ...`: what keys there are, never their bytes; new keys, other hands."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.fingerprint_epochs import (
    drop_fingerprints,
    fingerprint_epochs,
    rotate_fingerprints,
    rows_by_epoch,
    writing_fingerprint_epoch,
)
from privacy.management import escrow_verbs, key_verbs
from privacy.models import DataKey, SealingKeyPair
from privacy.vault.keyring import EpochInUse, KeysMissing, key_ring


class Command(BaseCommand):
    help = "Show the key ring; make, drop, move and share out its keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="show what keys there are")
        verbs.add_parser("rotate-fingerprints", help="make a new key for fingerprints")
        drop = verbs.add_parser("drop-fingerprints", help="stop using an old one")
        drop.add_argument("epoch", type=int)
        key_verbs.add_verbs(verbs)
        escrow_verbs.add_verbs(verbs)

    def handle(self, *args: Any, **options: Any) -> None:
        match options["verb"]:
            case "status":
                self._status()
            case "rotate-fingerprints":
                epoch = rotate_fingerprints(now=timezone.now())
                self.stdout.write(f"Fingerprint epoch {epoch} is made.")
                self.stdout.write("Copy the key ring to where its copies are, before you go on.")
            case "drop-fingerprints":
                self._drop(options["epoch"])
            case "escrow":
                escrow_verbs.handle(self, options)
            case verb if verb in key_verbs.VERBS:
                key_verbs.handle(self, verb, options)

    def _status(self) -> None:
        ring = key_ring()
        self.stdout.write(f"Key ring: {ring.folder}")
        for line in key_verbs.status_lines():
            self.stdout.write(line)
        for epoch in ring.epochs():
            wrapped = DataKey.objects.filter(kek_epoch=epoch).count()
            self.stdout.write(f"  epoch {epoch}: {_state(epoch)}, wraps {wrapped} data keys")
        rows, writing = rows_by_epoch(), writing_fingerprint_epoch()
        for epoch in fingerprint_epochs():
            role = "is written under" if epoch == writing else "is asked about"
            held = f"{rows.get(epoch, 0)} rows hold it"
            state = _fingerprint_state(epoch)
            self.stdout.write(f"  fingerprint epoch {epoch}: {state}, {role}, {held}")
        for pair in SealingKeyPair.objects.order_by("id"):
            self.stdout.write(f"  sealing key {pair.id}: made {pair.created_at:%Y-%m-%d %H:%M} UTC")
        used = set(DataKey.objects.values_list("kek_epoch", flat=True).distinct())
        if lost := sorted(used - set(ring.epochs())):
            raise CommandError(f"Data keys are wrapped under epochs that are gone: {lost}.")
        if lost := sorted(rows.keys() - set(fingerprint_epochs())):
            raise CommandError(f"Suppressions are kept under epochs that are gone: {lost}.")

    def _drop(self, epoch: int) -> None:
        try:
            drop_fingerprints(epoch=epoch, now=timezone.now())
        except EpochInUse as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Fingerprint epoch {epoch} is no longer used.")


def _state(epoch: int) -> str:
    try:
        key_ring().kek(epoch)
    except KeysMissing:
        return "DOES NOT OPEN"
    return "opens"


def _fingerprint_state(epoch: int) -> str:
    try:
        key_ring().fingerprint_key(epoch)
    except KeysMissing:
        return "DOES NOT OPEN"
    return "opens"
