"""`manage.py desk_accounts`: the first accounts of a desk, and the file that shows them again."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from crm.services import UsernameTaken, create_account, new_password

# The marketer's second factor is prepared: whoever tries the desk out is at work in a minute.
FIRST = (("marketing", "marketing", True), ("dpo", "dpo", False), ("dsi", "dsi", False))


class Command(BaseCommand):
    help = "Create the desk's first accounts and keep their passwords in a file only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", required=True, type=Path, help="where to keep them (0600)")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        kept: list[dict[str, Any]] = (
            json.loads(path.read_text())["accounts"] if path.exists() else []
        )
        with transaction.atomic():
            made = [found for account in FIRST if (found := self._create(*account)) is not None]
            # Inside the transaction: an account whose password nobody knows is worse than a
            # password whose account was rolled back, which the next run makes anew.
            names = {account["username"] for account in made}
            _keep(path, [*(a for a in kept if a["username"] not in names), *made])

    def _create(self, username: str, role: str, is_prepared: bool) -> dict[str, Any] | None:
        try:
            with transaction.atomic():
                created = create_account(
                    username=username,
                    role=role,
                    now=timezone.now(),
                    password=new_password(),
                    with_authenticator=is_prepared,
                )
        except UsernameTaken:
            return None
        shown: dict[str, Any] = {
            "username": username,
            "role": role,
            "password": created.password,
        }
        if created.secret is not None:
            shown["secret"] = created.secret.grouped
            shown["address"] = created.secret.address(username=username)
            shown["recovery_codes"] = created.recovery_codes
        return shown


def _kept(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    accounts: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["accounts"]
    return accounts


def _keep(path: Path, accounts: list[dict[str, Any]]) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps({"accounts": accounts}, indent=1), encoding="utf-8")
    fresh.replace(path)
