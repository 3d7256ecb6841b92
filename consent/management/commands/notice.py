"""manage.py notice: publish the text that a form shows, as a file per language."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent.services import NoticeKind, publish_notice


class Command(BaseCommand):
    help = "Publish the next version of a notice; the same texts again are the same version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="the notice's code, as forms name it")
        parser.add_argument(
            "--typo",
            action="store_true",
            help="only the wording was put right: what people were told is the same",
        )
        parser.add_argument(
            "--indirect",
            action="store_true",
            help="of article 14: for people whose data came from somebody else (imports)",
        )
        for language, _name in settings.LANGUAGES:
            parser.add_argument(f"--{language}", type=Path, help=f"a text file ({language})")

    def handle(self, *args: Any, **options: Any) -> None:
        texts = {
            language: self._read(path)
            for language, _name in settings.LANGUAGES
            if (path := options[language]) is not None
        }
        if not texts:
            raise CommandError("Name a text file for at least one language: --fr notice.txt")
        version = publish_notice(
            code=options["code"],
            texts=texts,
            is_substantive=not options["typo"],
            kind=NoticeKind.INDIRECT if options["indirect"] else NoticeKind.DIRECT,
            now=timezone.now(),
        )
        self.stdout.write(f"{options['code']} is at version {version} in {', '.join(texts)}.")

    def _read(self, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read as UTF-8 text: {error}") from None
        if not text:
            raise CommandError(f"{path} is empty.")
        return text
