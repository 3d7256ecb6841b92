"""The register of exports: what each one is at this moment."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Count, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.exports.terms import DOWNLOADS_MOST, FAILURES_MOST
from crm.models import Account, Export

CANCELLED, REFUSED, EXPIRED, SPENT = "cancelled", "refused", "expired", "spent"
FAILED = "failed"
READY, RUNNING, WAITING, QUEUED = "ready", "running", "waiting", "queued"
STATES: Mapping[str, tuple[Promise, str]] = {
    QUEUED: (_("Waits for the worker"), "azure"),
    WAITING: (_("Waits for a second person"), "yellow"),
    RUNNING: (_("Is being made"), "azure"),
    READY: (_("Ready"), "green"),
    SPENT: (_("Downloaded five times"), "secondary"),
    EXPIRED: (_("Expired"), "secondary"),
    CANCELLED: (_("Taken back"), "secondary"),
    REFUSED: (_("Not agreed to"), "red"),
    FAILED: (_("Could not be made"), "red"),
}
# Where something still happens, and the page asks again.
MOVING = (QUEUED, RUNNING)


def exports_seen_by(account: Account, *, sees_all: bool) -> QuerySet[Export]:
    """Return an officer's exports of everybody, or one's own, with how often each was taken."""
    rows = Export.objects.annotate(taken=Count("downloads"))
    return rows if sees_all else rows.filter(requested_by=account.id)


def state_of(export: Export, *, taken: int, now: datetime) -> str:
    """Return a word of STATES."""
    if export.cancelled_at is not None:
        return CANCELLED
    if export.refused_at is not None:
        return FAILED if export.failures >= FAILURES_MOST else REFUSED
    if export.expires_at is not None:
        if export.destroyed_at is not None or export.expires_at <= now:
            return EXPIRED
        return READY if taken < DOWNLOADS_MOST else SPENT
    if export.started_at is not None:
        return RUNNING
    return WAITING if export.approval_id is not None else QUEUED
