"""`manage.py dkim ...`: the keys that sign our mail, and the records that the DNS must have."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dns.exception
import dns.resolver
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns.smtp import dkim_keys
from campaigns.smtp.addresses import BadAddress
from campaigns.smtp.dkim_keys import ScheduledKey, Status
from campaigns.smtp.dkim_signing import DkimKey, SigningKeyUnusable

_MEANS: dict[Status, str] = {
    "waits": "publish its record now; it signs from {from_:%Y-%m-%d %H:%M} UTC",
    "signs": "signs; its record must be there",
    "overlaps": "signs no more; leave its record until mail under way has arrived",
    "over": "its record may go, and so may its file",
}
_TEXT = 255  # RFC 1035 3.3.14: a longer text is several strings


class Command(BaseCommand):
    help = "Make DKIM keys, print their DNS records, and check that the DNS has them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        new = verbs.add_parser("new", help="make a pair of keys (RSA and Ed25519) for a domain")
        new.add_argument("domain")
        new.add_argument(
            "--after-days", type=int, default=2, help="when they begin to sign: 2 days from now"
        )
        show = verbs.add_parser("show", help="print the keys and the DNS record of each")
        show.add_argument("domain", nargs="?")
        check = verbs.add_parser("check", help="ask the DNS for the records that must be there")
        check.add_argument("domain", nargs="?")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except (BadAddress, SigningKeyUnusable) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from None

    def _new(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        signs_from = now + timedelta(days=options["after_days"])
        made = dkim_keys.new_keys(
            folder=settings.DKIM_DIR, domain=options["domain"], now=now, signs_from=signs_from
        )
        for each in made:
            self._print(each, made)

    def _show(self, options: dict[str, Any]) -> None:
        for among, each in self._keys(options):
            self._print(each, among)

    def _check(self, options: dict[str, Any]) -> None:
        wrong = 0
        for among, each in self._keys(options):
            if dkim_keys.status(each, among, timezone.now()) == "over":
                continue
            found = _in_the_dns(_name(each.key))
            is_there = each.key.record().replace(" ", "") in found
            wrong += not is_there
            self.stdout.write(f"{'ok     ' if is_there else 'MISSING'} {_name(each.key)}")
        if wrong:
            raise CommandError(f"{wrong} record(s) are not in the DNS as `dkim show` prints them.")

    def _keys(self, options: dict[str, Any]) -> Iterator[tuple[list[ScheduledKey], ScheduledKey]]:
        folder = settings.DKIM_DIR
        chosen = [options["domain"]] if options["domain"] else dkim_keys.domains(folder)
        if not chosen or not any(dkim_keys.keys_of(folder, domain) for domain in chosen):
            raise CommandError("There is no key yet: manage.py dkim new example.org")
        for domain in chosen:
            among = dkim_keys.keys_of(folder, domain)
            yield from ((among, each) for each in among)

    def _print(self, each: ScheduledKey, among: list[ScheduledKey]) -> None:
        status = dkim_keys.status(each, among, timezone.now())
        self.stdout.write(f"{_name(each.key)}: {_MEANS[status].format(from_=each.signs_from)}")
        self.stdout.write(f"  {_name(each.key)}. IN TXT {_quoted(each.key.record())}\n\n")


def _name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain}"


def _quoted(record: str) -> str:
    parts = (record[start : start + _TEXT] for start in range(0, len(record), _TEXT))
    return " ".join(f'"{part}"' for part in parts)


def _in_the_dns(name: str) -> set[str]:
    """The texts at a name, without their spaces; empty where there is none."""
    try:
        answer = dns.resolver.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return set()
    except dns.exception.DNSException as error:
        raise CommandError(f"The DNS does not answer: {type(error).__name__}.") from None
    return {b"".join(row.strings).decode("ascii", "replace").replace(" ", "") for row in answer}
