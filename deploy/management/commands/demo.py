"""manage.py demo: a made-up company to try the product with."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from deploy.demo.fill import fill


class Command(BaseCommand):
    help = "Fill an empty installation with a made-up company, its forms, people and campaigns."

    def handle(self, **_options: Any) -> None:
        fill(now=timezone.now())
        self.stdout.write("The demonstration data are there.")
