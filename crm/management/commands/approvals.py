"""Requests that need two people, for machines from which the pages cannot be reached.

Whoever asks or decides proves who they are: login name, password and code are typed at the prompt,
never given as arguments, which every process of the machine can read.
"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from crm import approving
from crm.approval_kinds import KindUnknown, NotAskable
from crm.approving import AboutYou, ApprovalUnknown, NotForYou, NotProven, Shown
from crm.management.terminal import TerminalCommand
from crm.models import Account
from privacy.services import NotPending, SamePerson

REFUSALS = (
    AboutYou, ApprovalUnknown, KindUnknown, NotAskable, NotForYou, NotPending, NotProven,
    SamePerson,
)  # fmt: skip


class Command(TerminalCommand):
    help = "List, ask for, agree to and refuse what needs two people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="what waits for a decision, as you may see it")
        request = verbs.add_parser("request", help="ask another person to agree")
        request.add_argument("kind", help="key_destruction, key_schedule")
        request.add_argument("what", nargs="+", help="name=value: epoch=7, days_after_retirement=8")
        request.add_argument("--days", type=int, help="how long the request and agreement live")
        for verb, text in (("approve", "agree to a request"), ("refuse", "refuse a request")):
            verbs.add_parser(verb, help=text).add_argument("id", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(self.person(), options)
        except REFUSALS as refusal:
            raise CommandError(str(refusal)) from None

    def _list(self, account: Account, options: dict[str, Any]) -> None:
        after, has_more, now = None, True, timezone.now()
        while has_more:
            waiting, has_more = approving.waiting_for(account=account, now=now, after=after)
            for each in waiting:
                self._write(each)
                after = (each.asked.requested_at, each.asked.id)
        if after is None:
            self.stdout.write("Nothing waits.")

    def _write(self, shown: Shown) -> None:
        asked = shown.asked
        self.stdout.write(f"{asked.id}  {shown.title}  (until {asked.expires_at:%Y-%m-%d %H:%M})")
        for label, text in shown.facts:
            self.stdout.write(f"  {label}: {text}")
        if shown.is_taken_back:
            self.stdout.write("  Taken back: nothing is left to decide.")
        elif not shown.may_decide:
            self.stdout.write("  Another person decides this.")

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
