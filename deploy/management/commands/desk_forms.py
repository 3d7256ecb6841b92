"""`manage.py desk_forms`: the addresses of the published forms, asked of the public side."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from forms_intake.services import published_codes


class Command(BaseCommand):
    help = "List the addresses of the published forms, one per line."
    # It says addresses and nothing else: warnings were for `manage.py check`.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        for code in published_codes():
            self.stdout.write(settings.PUBLIC_URL + reverse("form-page", args=[code]))
