"""The page of the system: for whoever keeps it running, without anything about anybody."""

import platform
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta

import django
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from consent.services import unsealed_since
from crm.access import staff_page
from crm.models import Contact, ContactMerge, ImportBatch
from crm.shell import register_menu
from crm.system import Figure, figures, register_figures
from privacy.services import JournalUnreachable, is_journal_applied

SYSTEM = ("operations", "dsi")
# The sweeps come by within seconds: what waits for longer waits for somebody.
WAITED_TOO_LONG = timedelta(minutes=10)
DISK_FREE_PERCENT = 10


@require_safe
@staff_page(*SYSTEM)
def system(request: HttpRequest) -> HttpResponse:
    return render(request, "crm/system.html", {"groups": figures(now=timezone.now())})


def register() -> None:
    """Put the page and crm's own figures in their places; safe to repeat."""
    register_menu(
        url_name="system", label=gettext_lazy("System"), icon="server", position=110, roles=SYSTEM
    )
    for code, title, position, provider in (
        ("versions", gettext_lazy("Versions"), 10, _versions),
        ("queues", gettext_lazy("What waits"), 20, _queues),
        ("safety", gettext_lazy("Ledger and journal"), 30, _safety),
        ("room", gettext_lazy("Disk and backups"), 40, _room),
    ):
        register_figures(code=code, title=title, position=position, provider=provider)


def waiting_figure(label: object, since: datetime | None, now: datetime) -> Figure:
    """How long the oldest of a queue has waited."""
    if since is None:
        return Figure(label, _("nothing waits"))
    text = _("the oldest for %(time)s") % {"time": timesince(since, now)}
    return Figure(label, text, now - since > WAITED_TOO_LONG)


def _versions(now: datetime) -> Sequence[Figure]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        [server] = cursor.fetchone() or ["?"]
    return [
        Figure("Python", platform.python_version()),
        Figure("Django", django.get_version()),
        Figure("PostgreSQL", server),
    ]


def _queues(now: datetime) -> Sequence[Figure]:
    batches = ImportBatch.objects.filter(finished_at=None).order_by("created_at")
    merges = ContactMerge.objects.filter(absorbed_id__in=Contact.objects.values("id"))
    imported = batches.values_list("created_at", flat=True).first()
    merged = merges.order_by("merged_at").values_list("merged_at", flat=True).first()
    return [
        # An import waits for the person who looks at it, not for the machine.
        Figure(_("Imports"), waiting_figure("", imported, now).value),
        waiting_figure(_("Merges"), merged, now),
    ]


def _safety(now: datetime) -> Sequence[Figure]:
    try:
        is_applied = is_journal_applied()
    except JournalUnreachable:
        journal = Figure(_("Privacy journal"), _("cannot be reached"), is_wrong=True)
    else:
        text = _("applied") if is_applied else _("ahead of the database")
        journal = Figure(_("Privacy journal"), text, not is_applied)
    return [waiting_figure(_("Records to seal"), unsealed_since(), now), journal]


def _room(now: datetime) -> Sequence[Figure]:
    disk = shutil.disk_usage(settings.HOME)
    free = 100 * disk.free // disk.total
    said = _("%(free)s%% free of %(total)s GB") % {"free": free, "total": disk.total // 10**9}
    return [
        Figure(_("Disk of the installation"), said, free < DISK_FREE_PERCENT),
        Figure(_("Last backup"), _("unknown: no backup is known to this page yet"), is_wrong=True),
        Figure(_("Looked at"), date_format(timezone.localtime(now), "j F Y H:i:s")),
    ]
