"""The officer's way in: the menu entry, and what waits on the home page."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consent.services import purpose_register
from crm.officer import OFFICER
from crm.pages import READERS
from crm.shell import register_first_step, register_menu


def register() -> None:
    """Put the pages of purposes into the shell; safe to repeat."""
    register_menu(
        url_name="purpose-list", label=_("Purposes"), icon="gavel", position=60, roles=READERS
    )
    register_first_step(
        code="assessments",
        label=_("Look at the balancing assessments"),
        text=_("A purpose rests on legitimate interest, and its assessment is missing or due."),
        url_name="purpose-list",
        icon="scale",
        position=10,
        is_done=are_assessments_in_order,
        roles=OFFICER,
    )


def are_assessments_in_order() -> bool:
    today = timezone.now().date()
    entries = purpose_register()
    return not any(each.needs_assessment or each.is_review_due(today) for each in entries)
