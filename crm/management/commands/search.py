"""The search process, and how it is."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.search import process
from crm.search.asking import SearchDown, search_status
from crm.search.memory import NotLocked
from crm.search.where import NotOurFolder, socket_path


class Command(BaseCommand):
    help = "Run the search of contacts until it is stopped (ACCORD_PROCESS=search)."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="ask the running one how it is")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["status"]:
            self._status()
            return
        if settings.PROCESS != "search":
            raise CommandError("Set ACCORD_PROCESS=search: its role can read, and nothing else.")
        try:
            code = process.run()
        except NotLocked:
            raise CommandError(
                "The memory cannot be locked: give the process LimitMEMLOCK=infinity, or set"
                " ACCORD_SEARCH_LOCK=no."
            ) from None
        except NotOurFolder:
            folder = socket_path().parent
            raise CommandError(f"{folder} must be ours alone to write to (0700).") from None
        except OSError as failure:
            raise CommandError(f"No socket at {socket_path()}: {failure}") from None
        if code:
            raise SystemExit(code)

    def _status(self) -> None:
        try:
            found = search_status()
        except SearchDown as down:
            since = f"; last sign of life {down.since:%Y-%m-%d %H:%M} UTC" if down.since else ""
            raise CommandError(f"The search does not answer{since}.") from None
        for name, value in vars(found).items():
            self.stdout.write(f"{name:<14} {value}")
