"""`manage.py anonymised_copy measure|make`: a copy for operations, without anybody in it.

Measured on the original (it needs to read `crm`, and no key), made in a new, empty installation.
The file in between holds counts and can be read by anybody.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deploy.anonymised.making import NotEmpty, OtherShape, make
from deploy.anonymised.measuring import TooFew, measure


class Command(BaseCommand):
    help = "Measure the shape of an installation, or make one of that shape with made-up people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, text in (
            ("measure", "write the shape of this installation to a file"),
            ("make", "fill this empty installation by a shape"),
        ):
            verbs.add_parser(verb, help=text).add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            (self._measure if options["verb"] == "measure" else self._make)(options["file"])
        except (TooFew, NotEmpty, OtherShape) as refusal:
            raise CommandError(str(refusal)) from None

    def _measure(self, path: Path) -> None:
        text = json.dumps(measure(now=timezone.now()), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        self.stdout.write(f"The shape is in {path}: counts, and nothing of anybody.")

    def _make(self, path: Path) -> None:
        try:
            shape = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise CommandError(f"{path} cannot be read as a shape.") from None
        found = make(shape=shape, now=timezone.now(), progress=self._say)
        for each in found:
            mark = "" if each.is_alike else "   DIFFERS"
            self.stdout.write(f"  {each.table:<28} {each.original:>10} {each.copy:>10}{mark}")
        if any(not each.is_alike for each in found):
            raise CommandError("Some volumes differ from the original's.")
        self.stdout.write("The copy is made. Accounts have no password yet: manage.py account.")

    def _say(self, what: str, number: int) -> None:
        self.stderr.write(f"{what} {number}", ending="\n")
