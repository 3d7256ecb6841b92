"""What every public page names: the company and whom to write to."""

from django.conf import settings
from django.http import HttpRequest


def organisation(request: HttpRequest) -> dict[str, str]:
    return {
        "organisation": settings.ORGANISATION_NAME,
        "organisation_address": settings.ORGANISATION_ADDRESS,
        "dpo_address": settings.DPO_ADDRESS,
    }
