"""manage.py notice: publish the text that a form shows, as a file per language."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils import timezone

from consent.services import (
    FactsDiffer,
    NoticeKind,
    NoticeUnknown,
    correct_notice,
    missing_from_notice,
    publish_notice,
)


class Command(BaseCommand):
    help = "Publish the next version of a notice; the same texts again are the same version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="the notice's code, as forms name it")
        parser.add_argument(
            "--typo",
            action="store_true",
            help="only the wording is put right, people are told the same: it holds at once on"
            " every form that uses the newest version",
        )
        parser.add_argument(
            "--as-is",
            action="store_true",
            help="publish a text that does not say how to reach the officer and the CNIL",
        )
        parser.add_argument("--kind", choices=NoticeKind.values, default=NoticeKind.DIRECT.value)
        for language, _name in settings.LANGUAGES:
            parser.add_argument(f"--{language}", type=Path, help=f"a text file ({language})")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        texts = {
            language: self._read(path)
            for language, _name in settings.LANGUAGES
            if (path := options[language]) is not None
        }
        if not texts:
            raise CommandError("Name a text file for at least one language: --fr notice.txt")
        if not options["as_is"]:
            self._check(texts)
        code, spoken = options["code"], ", ".join(texts)
        if options["typo"]:
            revision = self._correct(code, texts)
            self.stdout.write(f"{code} has revision {revision} of its wording in {spoken}.")
            return
        version = publish_notice(code=code, texts=texts, kind=options["kind"], now=timezone.now())
        self.stdout.write(f"{code} is at version {version} in {spoken}.")

    def _check(self, texts: dict[str, str]) -> None:
        """GDPR 13(1)(b) and 13(2)(d): whom to write to, and whom to complain to."""
        for language, text in texts.items():
            if missing := [str(each) for each in missing_from_notice(text=text)]:
                raise CommandError(
                    f"The text in {language} lacks {' and '.join(missing)}. Add it, or say"
                    " --as-is to publish it nevertheless."
                )

    def _correct(self, code: str, texts: dict[str, str]) -> int:
        try:
            return correct_notice(code=code, texts=texts, now=timezone.now())
        except NoticeUnknown:
            raise CommandError(f"{code} was never published: leave --typo out.") from None
        except FactsDiffer as error:
            raise CommandError(
                f"This is not a correction ({', '.join(error.facts)}): leave --typo out to publish"
                " the next version, or correct it on the page of notices."
            ) from None

    def _read(self, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read as UTF-8 text: {error}") from None
        if not text:
            raise CommandError(f"{path} is empty.")
        return text
