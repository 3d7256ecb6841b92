"""Accounts of staff from the command line.

A second factor is taken away by two people only: an administrator asks (`ask-reset`), another
person agrees, and `reset-factor` prints the key that is handed over in person. For both the
administrator is proven at the prompt.
"""

from argparse import ArgumentParser
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from crm.accounts import directory, recovery, register
from crm.accounts.directory import LastOfficer, account_named
from crm.accounts.register import NewAccount, NoSuchAccount, NoSuchRole, UsernameTaken
from crm.accounts.sharing import shared_accounts
from crm.approving import NotProven
from crm.management.terminal import TerminalCommand
from crm.models import Account, Role
from privacy.services import NotApproved


class Command(TerminalCommand):
    help = "Create, list, change, close, reopen and look over accounts of staff."

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
            ("end-sessions", "end all of its sessions"),
        ):
            verbs.add_parser(verb, help=text).add_argument("username")
        role = verbs.add_parser("role", help="give it another role")
        role.add_argument("username")
        role.add_argument("role", choices=Role.values)
        ends = verbs.add_parser("ends-on", help="its last day; without a day it has none")
        ends.add_argument("username")
        ends.add_argument("day", nargs="?", type=date.fromisoformat, help="2026-12-31")
        self._add_resets(verbs)
        verbs.add_parser("report", help="accounts that look shared")

    def _add_resets(self, verbs: Any) -> None:
        ask = verbs.add_parser("ask-reset", help="ask a second person for a reset of the factor")
        ask.add_argument("username")
        reset = verbs.add_parser("reset-factor", help="do what a second person agreed to")
        reset.add_argument("username")
        reset.add_argument("--approval", required=True, type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        verb = str(options["verb"]).replace("-", "_")
        try:
            getattr(self, f"_{verb}")(options)
        except NoSuchAccount:
            raise CommandError("There is no account of that name.") from None
        except (LastOfficer, NotProven, directory.ActRefused) as refusal:
            raise CommandError(str(refusal)) from None

    def _ask_reset(self, options: dict[str, Any]) -> None:
        asking = self._administrator()
        account = register.open_account(username=options["username"])
        made = recovery.ask_reset(account=account, requested_by=asking.pk, now=timezone.now())
        self.stdout.write(f"Approval:  {made}")
        self.stdout.write("Another person must agree to it: on the staff side under Approvals,")
        self.stdout.write(f"or by manage.py approvals approve {made}")

    def _administrator(self) -> Account:
        account = self.person()
        if account.role != Role.ADMINISTRATOR:
            raise CommandError("Only an administrator of accounts renews a second factor.")
        return account

    def _reset_factor(self, options: dict[str, Any]) -> None:
        self._administrator()
        account = register.open_account(username=options["username"])
        try:
            key = recovery.reset_second_factor(
                account=account, approval_id=options["approval"], now=timezone.now()
            )
        except NotApproved:
            raise CommandError("Nobody has agreed to that, or it was used already.") from None
        self.stdout.write(f"Key:       {key}")
        self.stdout.write(
            "Hand it over in person. It works once, for 24 hours, after the password."
        )

    def _report(self, options: dict[str, Any]) -> None:
        for line in shared_accounts(now=timezone.now()):
            self.stdout.write(
                f"{line.username:<24} {line.role:<16} two networks {line.in_two_networks:>4}"
                f"  two browsers {line.in_two_browsers:>4}  moves {line.network_changes:>4}"
            )

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
        today = timezone.localdate()
        for account in Account.objects.order_by("username"):
            state = "open" if account.is_of_staff_on(today) else "closed"
            until = f"until {account.ends_on}" if account.ends_on else ""
            self.stdout.write(f"{account.username:<24} {account.role:<16} {state} {until}".rstrip())

    def _act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Whom an act is about; from the command line nobody is named as having done it."""
        account_id = account_named(options["username"])
        return {"account_id": account_id, "actor_id": None, "now": timezone.now()}

    def _close(self, options: dict[str, Any]) -> None:
        directory.close_account(**self._act(options))
        self.stdout.write("Closed.")

    def _role(self, options: dict[str, Any]) -> None:
        directory.change_role(role=options["role"], **self._act(options))
        self.stdout.write("Changed.")

    def _ends_on(self, options: dict[str, Any]) -> None:
        directory.end_account_on(day=options["day"], **self._act(options))
        self.stdout.write("Noted.")

    def _end_sessions(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Ended: {directory.end_sessions(**self._act(options))}")

    def _reopen(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Password:  {directory.reopen_account(**self._act(options))}")

    def _new_password(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Password:  {directory.give_new_password(**self._act(options))}")
