"""What notices put into the shell."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from consent.services import every_notice
from crm.pages import READERS
from crm.shell import register_first_step, register_menu


def register() -> None:
    """Put notices into the menu, and the first one among the first steps; safe to repeat."""
    register_menu(
        url_name="notice-list",
        label=pgettext_lazy("menu", "Notices"),
        icon="file-text",
        position=61,
        roles=READERS,
    )
    register_first_step(
        code="notice-first",
        label=_("Write the notice of your forms"),
        text=_("What people are told before they answer: most of it is ready-made."),
        url_name="notice-list",
        icon="file-text",
        position=15,
        is_done=_has_own_notice,
        roles=("dpo",),
    )


def _has_own_notice() -> bool:
    return any(each.kind != "preferences" for each in every_notice())
