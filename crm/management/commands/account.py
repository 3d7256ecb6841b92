"""Accounts of staff from the command line.

There is no command that takes a second factor away: somebody who has neither telephone nor
recovery codes gets a new account, in person, and the old one is closed.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.accounts import register
from crm.accounts.register import NewAccount, NoSuchAccount, NoSuchRole, UsernameTaken
from crm.models import Account, Role


class Command(BaseCommand):
    help = "Create, list, close and reopen accounts of staff."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="create an account; prints its first password")
        create.add_argument("username", help="a pseudonym: it appears in logs")
        create.add_argument("--role", required=True, choices=Role.values)
        create.add_argument("--language", default="fr", choices=["fr", "en"])
        create.add_argument(
            "--with-authenticator", action="store_true", help="prepare the second factor, print it"
        )
        verbs.add_parser("list", help="usernames, roles and states")
        for verb, text in (
            ("close", "end its sessions and refuse its sign-in"),
            ("reopen", "open it with a new password"),
            ("new-password", "a new password for one day; the second factor stays"),
        ):
            verbs.add_parser(verb, help=text).add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = str(options["verb"]).replace("-", "_")
        try:
            getattr(self, f"_{verb}")(options)
        except NoSuchAccount:
            raise CommandError("There is no account of that name.") from None

    def _create(self, options: dict[str, Any]) -> None:
        try:
            created = register.create_account(
                username=options["username"],
                role=options["role"],
                language=options["language"],
                with_authenticator=options["with_authenticator"],
                now=timezone.now(),
            )
        except UsernameTaken:
            raise CommandError("There is an account of that name already.") from None
        except (NoSuchRole, ValidationError) as refusal:
            raise CommandError(str(refusal)) from None
        self._show(created)

    def _show(self, created: NewAccount) -> None:
        self.stdout.write(f"Username:  {created.account.username}")
        self.stdout.write(f"Password:  {created.password}")
        if created.secret is None:
            self.stdout.write("The second factor is set up at the first sign-in.")
            return
        self.stdout.write(f"Secret:    {created.secret.letters}")
        self.stdout.write(f"Address:   {created.secret.address(username=created.account.username)}")
        self.stdout.write("Recovery:  " + "\n           ".join(created.recovery_codes))

    def _list(self, options: dict[str, Any]) -> None:
        for account in Account.objects.order_by("username"):
            state = "open" if account.is_active else "closed"
            self.stdout.write(f"{account.username:<24} {account.role:<16} {state}")

    def _close(self, options: dict[str, Any]) -> None:
        register.close_account(username=options["username"])
        self.stdout.write("Closed.")

    def _reopen(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Password:  {register.reopen_account(username=options['username'])}")

    def _new_password(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Password:  {register.give_new_password(username=options['username'])}")
