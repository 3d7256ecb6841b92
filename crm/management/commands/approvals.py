"""Requests that need two people, for machines from which the pages cannot be reached.

Whoever asks or decides proves who they are: login name, password and code are typed at the prompt,
never given as arguments, which every process of the machine can read.
"""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm import approving
from crm.approval_kinds import KindUnknown, NotAskable, approval_kind
from crm.approving import ApprovalUnknown, NotForYou, NotProven
from crm.models import Account
from privacy.services import AskedApproval, NotPending, SamePerson

REFUSALS = (ApprovalUnknown, KindUnknown, NotAskable, NotForYou, NotPending, NotProven, SamePerson)


class Command(BaseCommand):
    help = "List, ask for, agree to and refuse what needs two people."

    def __init__(
        self,
        *args: Any,
        read_line: Callable[[str], str] = input,
        read_secret: Callable[[str], str] = getpass.getpass,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.read_line, self.read_secret = read_line, read_secret

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="what waits for a decision, as you may see it")
        request = verbs.add_parser("request", help="ask another person to agree")
        request.add_argument("kind", help="key_destruction, key_schedule")
        request.add_argument("what", nargs="+", help="name=value: epoch=7 reason=key_lost, days=8")
        request.add_argument("--days", type=int, help="how long the request and agreement live")
        for verb, text in (("approve", "agree to a request"), ("refuse", "refuse a request")):
            verbs.add_parser(verb, help=text).add_argument("id", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(self._person(), options)
        except REFUSALS as refusal:
            raise CommandError(str(refusal)) from None

    def _person(self) -> Account:
        name = self.read_line("Login name: ").strip()
        password = self.read_secret("Password: ")
        code = self.read_secret("One-time code: ")
        now = timezone.now()
        return approving.prove_person(username=name, password=password, code=code, now=now)

    def _list(self, account: Account, options: dict[str, Any]) -> None:
        waiting = approving.waiting_for(account=account, now=timezone.now())
        for each in waiting:
            self._write(each.asked)
            if not each.may_decide:
                self.stdout.write("  Another person decides this.")
        if not waiting:
            self.stdout.write("Nothing waits.")

    def _write(self, asked: AskedApproval) -> None:
        kind = approval_kind(asked.kind)
        self.stdout.write(f"{asked.id}  {kind.title}  (until {asked.expires_at:%Y-%m-%d %H:%M})")
        for label, text in kind.describe(asked.reference):
            self.stdout.write(f"  {label}: {text}")

    def _request(self, account: Account, options: dict[str, Any]) -> None:
        kind, days = options["kind"], options["days"]
        number = approving.ask(
            account=account,
            kind=kind,
            reference=approving.read_reference(options["what"], kind=kind),
            now=timezone.now(),
            lives=timedelta(days=max(days, 1)) if days else None,
        )
        self.stdout.write(f"Asked: {number}")

    def _approve(self, account: Account, options: dict[str, Any]) -> None:
        self._decide(account, options["id"], is_approved=True)

    def _refuse(self, account: Account, options: dict[str, Any]) -> None:
        self._decide(account, options["id"], is_approved=False)

    def _decide(self, account: Account, number: UUID, *, is_approved: bool) -> None:
        approving.decide(
            account=account, approval_id=number, is_approved=is_approved, now=timezone.now()
        )
        self.stdout.write("Agreed." if is_approved else "Refused.")
