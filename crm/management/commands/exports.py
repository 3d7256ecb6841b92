"""Exports from the command line: whose download a leaked file was."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.exports.downloading import Traced, trace
from crm.exports.marks import find_marks
from crm.models import Account


class Command(BaseCommand):
    help = "Say which export and which download a leaked file came from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        words = "a CSV file, any text, or a workbook; a part of it is enough"
        verbs.add_parser("trace", help="find a download by its marks").add_argument(
            "file", type=Path, help=words
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        if not path.is_file():
            raise CommandError("There is no such file.")
        traced = trace(find_marks(path))
        if not traced:
            raise CommandError("No mark of an export of this installation is in the file.")
        ids = {one.download.account_id for one in traced}
        names = dict(Account.objects.filter(id__in=ids).values_list("id", "username"))
        for one in traced:
            self._write(one, names.get(one.download.account_id, "an account that is gone"))

    def _write(self, one: Traced, by: str) -> None:
        row, export = one.download, one.download.export
        self.stdout.write(f"Export {export.id}, download {row.number} ({row.ref})")
        self.stdout.write(f"  downloaded {row.started_at:%Y-%m-%d %H:%M} UTC by {by}")
        self.stdout.write(f"  for {export.purpose_id} ({export.channel}), reason: {export.reason}")
        self.stdout.write(f"  its rows in the file: {one.rows}; made-up people: {one.made_up}")
