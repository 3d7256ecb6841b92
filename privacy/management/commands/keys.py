"""`manage.py keys status`: what keys there are, never their bytes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from privacy.models import DataKey, SealingKeyPair
from privacy.vault.keyring import KeysMissing, key_ring


class Command(BaseCommand):
    help = "Show the key ring, the epochs in use and the sealing keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["status"])

    def handle(self, *args: Any, **options: Any) -> None:
        ring = key_ring()
        self.stdout.write(f"Key ring: {ring.folder}")
        for epoch in ring.epochs():
            wrapped = DataKey.objects.filter(kek_epoch=epoch).count()
            self.stdout.write(f"  epoch {epoch}: {_state(epoch)}, wraps {wrapped} data keys")
        for pair in SealingKeyPair.objects.order_by("id"):
            self.stdout.write(f"  sealing key {pair.id}: made {pair.created_at:%Y-%m-%d %H:%M} UTC")
        used = set(DataKey.objects.values_list("kek_epoch", flat=True).distinct())
        if lost := sorted(used - set(ring.epochs())):
            raise CommandError(f"Data keys are wrapped under epochs that are gone: {lost}.")


def _state(epoch: int) -> str:
    try:
        key_ring().kek(epoch)
    except KeysMissing:
        return "DOES NOT OPEN"
    return "opens"
