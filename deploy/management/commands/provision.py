"""`manage.py provision`: migrate the three databases as their owner and apply the grants."""

from datetime import UTC, datetime
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from consent.services import seed_purposes
from deploy.environment import text
from deploy.grants import apply_grants
from privacy.services import found_installation

ALIASES = {"crm": "default", "vault": "vault", "intake": "intake"}


class Command(BaseCommand):
    help = "Migrate crm, vault and intake, make the privileges exact, found keys and journal."

    def handle(self, *args: Any, **options: Any) -> None:
        assert settings.PROCESS == "owner", "Run this as the owner of the databases."  # noqa: S101
        for zone, alias in ALIASES.items():
            call_command("migrate", database=alias, verbosity=options["verbosity"])
            with psycopg.connect(text(f"ACCORD_{zone.upper()}_DSN"), autocommit=True) as connection:
                apply_grants(connection, zone=zone)
        found_installation(now=datetime.now(UTC))
        seed_purposes(now=datetime.now(UTC))
