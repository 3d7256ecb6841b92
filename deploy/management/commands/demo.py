"""manage.py demo: a made-up company to try the product with."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from deploy.demo.fill import fill


class Command(BaseCommand):
    help = "Fill an empty installation with a made-up company, its forms, people and campaigns."

    def handle(self, **_options: Any) -> None:
        # Its campaigns of the past went to two thousand people who were made up a minute ago:
        # there is no second person to agree, and nothing leaves the machine.
        settings.CAMPAIGN_APPROVAL_SIZE = 1_000_000
        fill(now=timezone.now())
        self.stdout.write("The demonstration data are there.")
