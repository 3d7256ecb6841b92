"""Asking for an export, and taking it back. Beyond a few people a second person agrees first."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import OperationalError, connections, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable

from consent.services import purposes
from crm.exports.terms import (
    ALL,
    COLUMNS,
    KEEP_DAYS_MOST,
    REASONS,
    SEGMENT,
    TAG,
    ExportTerms,
)
from crm.models import Export, Segment, Tag
from crm.segments.store import SegmentUnknown, segment_rules
from crm.segments.waterfall import waterfall
from privacy.services import request_approval

KIND = "export"
# Whoever does not decide in a week is asked again: by then the people are others.
DECIDED_WITHIN = timedelta(days=7)
# Small exports that are asked for one after the other are one big one.
ALONE_WITHIN = timedelta(hours=24)
# The first of the two numbers of an advisory lock: one account asks one thing at a time.
_LOCK = 0x6578706F  # "expo"
_LOCK_WAIT = "5s"


class ExportUnknown(Exception):
    """There is no such export, or it is over."""


class NotExportable(Exception):
    """This is not something that can be exported."""


class NobodyToExport(Exception):
    """Nobody of them may be reached for this purpose over this channel."""


class StillAsked(Exception):
    """This account asked for another export, whose people are still being counted."""


def ask_export(*, terms: ExportTerms, source_id: UUID, actor_id: UUID, now: datetime) -> UUID:
    """Ask for an export and return its id; the worker makes it, after an agreement if it is big.

    Raises NotExportable, NobodyToExport and StillAsked. Safe to repeat: the same terms from the
    same `source_id` are one question.
    """
    rules = _checked(terms)
    number = uuid5(actor_id, f"export {source_id} {terms.digest(rules)}")
    with transaction.atomic():
        _take_turn(actor_id)
        if not Export.objects.filter(id=number).exists():
            _keep(number, terms, rules, _reachable(terms, rules, now), actor_id, now)
    return number


def _take_turn(actor_id: UUID) -> None:
    """Wait until this account asks nothing else; held until the transaction ends.

    Counting the whole base takes seconds, and two questions at once would each pass the limit.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(actor_id)])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise StillAsked(StillAsked.__doc__) from None
            raise


def _reachable(terms: ExportTerms, rules: Mapping[str, Any], now: datetime) -> int:
    fall = waterfall(rules=rules, purpose_code=terms.purpose_code, channel=terms.channel, now=now)
    if not fall.reachable:
        raise NobodyToExport(NobodyToExport.__doc__)
    return fall.reachable


def _keep(
    number: UUID,
    terms: ExportTerms,
    rules: Mapping[str, Any],
    rows: int,
    actor_id: UUID,
    now: datetime,
) -> None:
    Export.objects.create(
        id=number,
        requested_by=actor_id,
        requested_at=now,
        scope=terms.scope,
        scope_id=terms.scope_id,
        rules=rules,
        purpose_id=terms.purpose_code,
        channel=terms.channel,
        reason=terms.reason,
        columns=list(terms.columns),
        has_bom=terms.has_bom,
        keep_days=terms.keep_days,
        most_rows=rows,
        approval_id=_ask_second(number, terms, rules, rows, actor_id, now),
    )


def _checked(terms: ExportTerms) -> dict[str, Any]:
    """Return whom the scope means, as rules; raises NotExportable."""
    known = {one.code: one.channels for one in purposes(language="en")}
    is_right = (
        terms.channel in known.get(terms.purpose_code, [])
        and terms.reason in REASONS
        and 1 <= terms.keep_days <= KEEP_DAYS_MOST
        and bool(terms.columns)
        and set(terms.columns) <= COLUMNS.keys()
    )
    if not is_right:
        raise NotExportable(NotExportable.__doc__)
    if terms.scope == ALL:
        return {}
    if terms.scope == TAG and Tag.objects.filter(slug=terms.scope_id).exists():
        rule = {"fact": "tag", "is": "one_of", "value": [terms.scope_id]}
        return {"match": "all", "rules": [rule]}
    try:
        if terms.scope == SEGMENT:
            return segment_rules(segment_id=UUID(terms.scope_id))
    except (SegmentUnknown, ValueError):
        pass
    raise NotExportable(NotExportable.__doc__)


def _ask_second(
    number: UUID,
    terms: ExportTerms,
    rules: Mapping[str, Any],
    rows: int,
    actor_id: UUID,
    now: datetime,
) -> UUID | None:
    if rows + _asked_alone(actor_id, now) <= settings.EXPORT_ALONE_MAX:
        return None
    return request_approval(
        kind=KIND,
        reference=_reference(number, terms, rules, rows),
        requested_by=actor_id,
        now=now,
        expires_at=now + DECIDED_WITHIN,
    )


def _asked_alone(actor_id: UUID, now: datetime) -> int:
    """Return how many people an account asked for alone within ALONE_WITHIN."""
    before = Export.objects.filter(
        requested_by=actor_id, approval_id=None, requested_at__gt=now - ALONE_WITHIN
    )
    return int(before.aggregate(people=Sum("most_rows"))["people"] or 0)


def _reference(
    number: UUID, terms: ExportTerms, rules: Mapping[str, Any], rows: int
) -> dict[str, str | int]:
    return {
        "export": str(number),
        "rows": rows,
        "scope": terms.scope,
        "scope_id": terms.scope_id,
        "purpose": terms.purpose_code,
        "channel": terms.channel,
        "terms": terms.digest(rules),
    }


def reference_of(export: Export) -> dict[str, str | int]:
    """Return what the second person agreed to, made anew from the export as it is now."""
    terms = ExportTerms(
        export.scope,
        export.scope_id,
        export.purpose_id,
        export.channel,
        export.reason,
        export.columns,
        export.keep_days,
        export.has_bom,
    )
    return _reference(export.id, terms, export.rules, export.most_rows)


def cancel_export(*, export_id: UUID, now: datetime) -> None:
    """End an export at once; the worker destroys what there is of it. Raises ExportUnknown."""
    living = Export.objects.filter(id=export_id, cancelled_at=None, destroyed_at=None)
    if not living.update(cancelled_at=now):
        raise ExportUnknown(ExportUnknown.__doc__)


# --- in words, for the second person ---------------------------------------------------------


def scopes_words(scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return whom exports are about, by the names that staff gave; two queries for all."""
    wanted = set(scopes)
    ids = [each for scope, each in wanted if scope == SEGMENT]
    slugs = [each for scope, each in wanted if scope == TAG]
    names = {str(k): v for k, v in Segment.objects.filter(id__in=ids).values_list("id", "name")}
    titles = dict(Tag.objects.filter(slug__in=slugs).values_list("slug", "title"))
    found = {}
    for scope, each in wanted:
        if scope == SEGMENT:
            found[scope, each] = _("Segment: %s") % names.get(each, each)
        elif scope == TAG:
            found[scope, each] = _("Tag: %s") % titles.get(each, each)
        else:
            found[scope, each] = _("Everybody")
    return found
