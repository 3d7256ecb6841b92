"""`manage.py keys ...`: what keys there are, never their bytes, and what is done with them."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime, timedelta
from getpass import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.approvals import (
    NotApproved,
    Reference,
    request_approval,
)
from privacy.fingerprint_epochs import drop_fingerprints, rotate_fingerprints
from privacy.journal import JournalUnreachable
from privacy.key_inventory import as_fields, as_markdown, key_inventory
from privacy.key_status import key_status
from privacy.management import escrow_verbs, key_verbs
from privacy.officers import NotRecognised, recognised
from privacy.vault import audit, destruction, sweeping
from privacy.vault.epochs import Reason, rotate_epoch, rotate_if_due
from privacy.vault.keyring import EpochInUse, KeysMissing
from privacy.vault.rewrapping import Rewrapped, rewrap

COPY = "Copy the key ring to where its copies are, before you go on."
URGENT = [reason.value for reason in Reason if reason not in (Reason.FOUNDING, Reason.WEEKLY)]
_EXPLAINED = (
    NotApproved, NotRecognised, EpochInUse, KeysMissing, JournalUnreachable, audit.AuditRunning,
)  # fmt: skip


def _typed(question: str) -> str:
    return getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


class Command(BaseCommand):
    help = "Show the keys; make, re-wrap, destroy, audit, move and share them out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="show what keys there are and what needs somebody")
        inventory = verbs.add_parser("inventory", help="list every key in the terms of SP 800-57")
        inventory.add_argument("--format", choices=["markdown", "json"], default="markdown")
        rotate = verbs.add_parser("rotate", help="make a new epoch when the current is a week old")
        rotate.add_argument("--urgent", action="store_true", help="at once")
        rotate.add_argument("--reason", choices=URGENT, help="why it is urgent")
        verbs.add_parser("rewrap", help="move keys from older epochs to the current one")
        self._add_what_needs_two(verbs)
        verbs.add_parser("rotate-fingerprints", help="make a new key for fingerprints")
        drop = verbs.add_parser("drop-fingerprints", help="stop using an old one")
        drop.add_argument("epoch", type=int)
        key_verbs.add_verbs(verbs)
        escrow_verbs.add_verbs(verbs)

    def _add_what_needs_two(self, verbs: Any) -> None:
        schedule = verbs.add_parser("schedule", help="ask for a year of destruction when due")
        stop = verbs.add_parser("unschedule", help="end it: due epochs wait again")
        destroy = verbs.add_parser("destroy", help="destroy a retired epoch; needs two people")
        destroy.add_argument("--epoch", type=int, required=True)
        check = verbs.add_parser("audit", help="compare documents and keys")
        check.add_argument("--sweep", action="store_true", help="delete many keys without document")
        check.add_argument("--accept-loss", action="store_true", help="give lost documents up")
        for verb in (destroy, check):
            verb.add_argument("--approval", type=UUID, help="the request, once it is agreed to")
        for verb in (schedule, stop, destroy):
            verb.add_argument("--as", dest="login", required=True, help="your login name")
        check.add_argument("--as", dest="login", help="your login name")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "escrow":
            return escrow_verbs.handle(self, options)
        if options["verb"] in key_verbs.VERBS:
            return key_verbs.handle(self, options["verb"], options)
        verb = str(options["verb"]).replace("-", "_")
        try:
            getattr(self, f"_{verb}")(options, timezone.now())
        except _EXPLAINED as refusal:
            raise CommandError(str(refusal) or str(type(refusal).__doc__)) from None

    # --- looking ------------------------------------------------------------------------

    def _status(self, _options: dict[str, Any], now: datetime) -> None:
        status = key_status(now=now)
        for line in (*status.lines, *key_verbs.status_lines()):
            self.stdout.write(line)
        for reminder in status.reminders:
            self.stdout.write(self.style.WARNING(reminder))
        if status.problems:
            raise CommandError("\n".join(["Somebody is needed:", *status.problems]))

    def _inventory(self, options: dict[str, Any], now: datetime) -> None:
        records = key_inventory(now=now)
        if options["format"] == "json":
            self.stdout.write(json.dumps(as_fields(records), indent=1))
            return
        for line in as_markdown(records):
            self.stdout.write(line)

    # --- the week -----------------------------------------------------------------------

    def _rotate(self, options: dict[str, Any], now: datetime) -> None:
        if options["urgent"]:
            if not options["reason"]:
                raise CommandError(f"Say why: --reason {'|'.join(URGENT)}.")
            made: int | None = rotate_epoch(now=now, reason=Reason(options["reason"]))
        else:
            made = rotate_if_due(now=now)
        if made is None:
            self.stdout.write("The current epoch is not a week old yet: nothing to do.")
            return
        self.stdout.write(f"Epoch {made} is made. {COPY}")
        self._rewrap(options, now)

    def _rewrap(self, _options: dict[str, Any], _now: datetime) -> None:
        done = rewrap(report=self._show_progress)
        self.stdout.write(f"{done.moved} keys are re-wrapped under the current epoch.")
        if done.unreadable or done.gone:
            raise CommandError(
                f"{done.unreadable} keys do not open; epochs whose file is gone: {done.gone}."
            )

    def _show_progress(self, so_far: Rewrapped) -> None:
        if so_far.moved:
            self.stdout.write(f"  {so_far.moved} ...")

    # --- what needs two people ----------------------------------------------------------

    def _schedule(self, options: dict[str, Any], now: datetime) -> None:
        reference = destruction.schedule_reference()
        life = destruction.SCHEDULE_LIFE
        self._request(destruction.SCHEDULE, reference, life, options, now)
        self.stdout.write("Then due epochs are destroyed on their day, for a year from now.")

    def _unschedule(self, options: dict[str, Any], now: datetime) -> None:
        if not destruction.end_schedule(ended_by=self._who(options, now), now=now):
            raise CommandError("There is no schedule of destruction.")
        self.stdout.write("The schedule is ended: due epochs wait until two people agree again.")

    def _destroy(self, options: dict[str, Any], now: datetime) -> None:
        epoch, approval = options["epoch"], options["approval"]
        if approval is None:
            reference = destruction.destruction_reference(epoch=epoch)
            life = destruction.DESTRUCTION_LIFE
            self._request(destruction.DESTRUCTION, reference, life, options, now)
            self.stdout.write(f"Then: keys destroy --epoch {epoch} --approval ... --as ...")
            return
        self._who(options, now)
        destruction.destroy_epoch(epoch=epoch, approval_id=approval, now=now)
        self.stdout.write(f"Epoch {epoch} is destroyed and attested. {destruction.STATEMENT}")

    def _request(
        self, kind: str, reference: Reference, life: timedelta, options: dict[str, Any],
        now: datetime,
    ) -> None:  # fmt: skip
        number = request_approval(
            kind=kind,
            reference=reference,
            requested_by=self._who(options, now),
            now=now,
            expires_at=now + life,
        )
        self.stdout.write(f"Another person agrees by: manage.py approvals approve {number}")

    def _who(self, options: dict[str, Any], now: datetime) -> UUID:
        if not options["login"]:
            raise CommandError("Say who you are: --as LOGIN.")
        password, code = _typed(f"Password of {options['login']}: "), _typed("One-time code: ")
        return recognised(login=options["login"], password=password, code=code, now=now)

    # --- the audit ----------------------------------------------------------------------

    def _audit(self, options: dict[str, Any], now: datetime) -> None:
        if options["accept_loss"]:
            self._accept_loss(options, now)
            return
        if options["sweep"]:
            self._sweep(options, now)
            return
        found = audit.audit_keys(now=now)
        self.stdout.write(
            f"{found.documents} documents, {found.keys} keys; without a key: {found.erased}"
            f" erased, {found.lost} LOST, {found.accepted} given up; without a document:"
            f" {found.orphans}, of them swept {found.swept}."
        )
        if found.lost_after_sweep:
            self.stdout.write(
                f"{found.lost_after_sweep} of the lost keys were swept as without a document:"
                " that is what an older crm looks like."
            )
        if found.lost:
            raise CommandError(
                "Keys are lost: nothing is written until they are back. Put the newest vault and"
                " ring back and audit again, or give up with --accept-loss (two people)."
            )
        if found.is_sweep_held_back:
            raise CommandError(
                "Too many keys without a document to sweep them: was crm put back?"
                " If not, --sweep (two people)."
            )

    def _sweep(self, options: dict[str, Any], now: datetime) -> None:
        if options["approval"] is None:
            reference = sweeping.sweep_reference(now=now)
            if not reference["keys"]:
                raise CommandError("No key without a document is due: `keys audit` first.")
            self.stdout.write(f"{reference['keys']} keys would be deleted for ever.")
            self._request(sweeping.SWEEP, reference, destruction.DESTRUCTION_LIFE, options, now)
            return
        self._who(options, now)
        swept = sweeping.sweep_orphans(approval_id=options["approval"], now=now)
        self.stdout.write(f"{swept} keys without a document are deleted.")

    def _accept_loss(self, options: dict[str, Any], now: datetime) -> None:
        if options["approval"] is None:
            reference = audit.loss_reference()
            self.stdout.write(f"{reference['keys']} documents would be given up for ever.")
            self._request(audit.KIND, reference, destruction.DESTRUCTION_LIFE, options, now)
            return
        self._who(options, now)
        audit.accept_losses(approval_id=options["approval"], now=now)
        self.stdout.write("They are given up; writing goes on.")

    # --- fingerprints -------------------------------------------------------------------

    def _rotate_fingerprints(self, _options: dict[str, Any], now: datetime) -> None:
        self.stdout.write(f"Fingerprint epoch {rotate_fingerprints(now=now)} is made.")
        self.stdout.write(COPY)

    def _drop_fingerprints(self, options: dict[str, Any], now: datetime) -> None:
        drop_fingerprints(epoch=options["epoch"], now=now)
        self.stdout.write(f"Fingerprint epoch {options['epoch']} is no longer used.")
