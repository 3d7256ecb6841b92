"""Exports: ask for a file of people, see what became of it, download it, take it back.

Marketing and the data protection officer ask. The officer sees everybody's exports and agrees to
the big ones of others; nobody downloads what somebody else asked for.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import purposes
from crm.access import account_of, staff_page
from crm.accounts.sessions import while_open
from crm.doorbells import ring_exports
from crm.exports import asking, downloading
from crm.exports.asking import ExportUnknown, NobodyToExport, NotExportable, StillAsked
from crm.exports.downloading import NotMade, NotYours
from crm.exports.keeping import FileGone
from crm.exports.listing import (
    CANCELLED,
    EXPIRED,
    FAILED,
    MOVING,
    READY,
    REFUSED,
    STATES,
    exports_seen_by,
    state_of,
)
from crm.exports.terms import COLUMNS, DOWNLOADS_MOST, LEFT_OUT, REASONS
from crm.keyset import page_after, read_cursor
from crm.models import Account, Export
from crm.pages import EXPORTERS, OFFICERS
from crm.pages.export_forms import ExportForm
from crm.pages.labels import CHANNELS, words

OVER = (CANCELLED, REFUSED, FAILED, EXPIRED)


@require_safe
@staff_page(*EXPORTERS)
def export_list(request: HttpRequest) -> HttpResponse:
    cursor = read_cursor(request.GET.get("after", ""))
    page = page_after(_seen_by(request), moment="requested_at", cursor=cursor)
    here = reverse("export-list")
    context = {
        "exports": _lines(list(page.rows)),
        "sees_all": _sees_all(request),
        "has_more": page.following is not None,
        "next_url": f"{here}?{urlencode({'after': str(page.following)})}",
        "first_url": here if cursor else "",
    }
    return render(request, "crm/exports/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*EXPORTERS, needs_step_up=True)
def export_new(request: HttpRequest) -> HttpResponse:
    form = ExportForm(request.POST or None, initial={"source": uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            number = asking.ask_export(
                terms=form.terms(),
                source_id=form.cleaned_data["source"],
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
        except NotExportable:
            form.add_error(None, _("This cannot be exported any more: choose again."))
        except StillAsked:
            form.add_error(
                None, _("What you asked before is still being counted: wait a moment, ask again.")
            )
        except NobodyToExport:
            form.add_error("purpose", _("Nobody of them may be reached for this in this way."))
        else:
            ring_exports()
            return redirect("export", number)
    context = {"form": form, "alone": settings.EXPORT_ALONE_MAX, "downloads": DOWNLOADS_MOST}
    return render(request, "crm/exports/new.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page(*EXPORTERS)
def export(request: HttpRequest, export_id: UUID) -> HttpResponse:
    return render(request, "crm/exports/export.html", _shown(request, export_id))


@require_safe
@staff_page(*EXPORTERS)
def export_progress(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """The numbers of this moment; once they stand still the whole page is asked for again."""
    shown = _shown(request, export_id)
    if shown["line"]["state"] not in MOVING:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    return render(request, "crm/exports/_progress.html", shown)


@require_POST
@staff_page(*EXPORTERS)
def export_cancel(request: HttpRequest, export_id: UUID) -> HttpResponse:
    _one_seen_by(request, export_id)
    try:
        asking.cancel_export(export_id=export_id, now=timezone.now())
    except ExportUnknown:
        messages.info(request, _("This export was over already."))
    else:
        ring_exports()
        messages.success(request, _("The export is taken back; its file is destroyed."))
    return redirect("export", export_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*EXPORTERS, needs_step_up=True)
def export_download(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Ask once more, then send the file; 410 with the reason once the link is dead."""
    shown = _shown(request, export_id)
    if not shown["is_own"]:
        raise Http404
    try:
        if request.method != "POST":
            is_living = downloading.is_downloadable(shown["line"]["export"], now=timezone.now())
            return render(
                request, "crm/exports/download.html", shown, status=200 if is_living else 410
            )
        return _sent(request, export_id)
    except NotMade:
        return redirect("export", export_id)
    except (FileGone, NotYours):
        return render(request, "crm/exports/download.html", shown, status=410)


def _sent(request: HttpRequest, export_id: UUID) -> StreamingHttpResponse:
    download = downloading.begin_download(
        export_id=export_id,
        account_id=account_of(request).id,
        domain=settings.MAIL_DOMAIN,
        now=timezone.now(),
    )
    parts = while_open(request, download, roles=EXPORTERS)
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{download.filename}"'
    return response


# --- what the pages show ---------------------------------------------------------------------


def _sees_all(request: HttpRequest) -> bool:
    return account_of(request).role in OFFICERS


def _seen_by(request: HttpRequest) -> Any:
    return exports_seen_by(account_of(request), sees_all=_sees_all(request))


def _one_seen_by(request: HttpRequest, export_id: UUID) -> Export:
    found: Export | None = _seen_by(request).filter(id=export_id).first()
    if found is None:
        raise Http404
    return found


def _shown(request: HttpRequest, export_id: UUID) -> dict[str, Any]:
    row = _one_seen_by(request, export_id)
    line = _lines([row])[0]
    downloads = list(row.downloads.order_by("number"))
    ids = {one.account_id for one in downloads}
    names = dict(Account.objects.filter(id__in=ids).values_list("id", "username"))
    is_own = row.requested_by == account_of(request).id
    return {
        "line": line,
        "columns": [COLUMNS.get(name, name) for name in row.columns],
        "left_out": [
            (words(LEFT_OUT, code), count)
            for code, count in sorted(row.left_out.items(), key=lambda item: -item[1])
        ],
        "downloads": [(one, names.get(one.account_id, "")) for one in downloads],
        "most": DOWNLOADS_MOST,
        "is_own": is_own,
        "may_download": is_own and line["state"] == READY,
        "may_cancel": line["state"] not in OVER,
        "looked_at": row.rows + sum(row.left_out.values()),
        "has_approvals": _sees_all(request),
    }


def _lines(rows: list[Any]) -> list[dict[str, Any]]:
    now = timezone.now()
    titles = {one.code: one.title for one in purposes(language=get_language() or "fr")}
    ids = {row.requested_by for row in rows}
    names = dict(Account.objects.filter(id__in=ids).values_list("id", "username"))
    scopes = asking.scopes_words({(row.scope, row.scope_id) for row in rows})
    lines = []
    for row in rows:
        state = state_of(row, taken=row.taken, now=now)
        label, colour = STATES[state]
        lines.append(
            {
                "export": row,
                "state": state,
                "label": label,
                "colour": colour,
                "who": scopes[row.scope, row.scope_id],
                "purpose": titles.get(row.purpose_id, row.purpose_id),
                "channel": words(CHANNELS, row.channel),
                "reason": words(REASONS, row.reason),
                "by": names.get(row.requested_by, ""),
            }
        )
    return lines
