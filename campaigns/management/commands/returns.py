"""The process that takes in the mail that comes back."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from campaigns.returns.listening import BadListen
from campaigns.returns.mailbox import BadMailbox
from campaigns.returns.process import NothingToDo, run


class Command(BaseCommand):
    help = "Take in what comes back by mail, until it is stopped (ACCORD_PROCESS=returns)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PROCESS != "returns":
            raise CommandError("Set ACCORD_PROCESS=returns: its role can write, and read nothing.")
        try:
            run()
        except (NothingToDo, BadListen, BadMailbox) as wrong:
            raise CommandError(str(wrong)) from None
        except ExceptionGroup as failures:
            first = failures.exceptions[0]
            if not isinstance(first, OSError):
                raise
            raise CommandError(f"No door at {settings.RETURNS_LISTEN}: {first.strerror}") from None
