"""Imports: upload a file, look at what it would do, let it run, read what became of it.

Marketing imports. The data protection officer reads what was imported, from where and why, and runs
none: who watches over an import must not be the one who wants it (GDPR article 38(6)).
"""

import csv
from collections import Counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import OBJECTION_DAYS, NotImportable, purposes
from crm.access import account_of, staff_page
from crm.doorbells import ring_imports
from crm.imports import waiting
from crm.imports.columns import REASONS
from crm.imports.reading import FileRefused
from crm.models import Account, ImportBatch
from crm.pages import IMPORTERS, IMPORTS_READERS
from crm.pages.import_forms import ColumnsForm, UploadForm
from crm.pages.labels import words

SHOWN = 100


@require_safe
@staff_page(*IMPORTS_READERS)
def import_list(request: HttpRequest) -> HttpResponse:
    rows = list(ImportBatch.objects.defer("refusals").order_by("-created_at")[:SHOWN])
    names = _usernames(rows)
    titles = _titles()
    context = {
        "imports": [
            {
                "batch": row,
                "purpose": titles.get(row.purpose_id, row.purpose_id),
                "by": names.get(row.created_by, ""),
                "refused": row.rows_read - row.rows_new - row.rows_known,
            }
            for row in rows
        ],
        "may_import": _may_import(request),
    }
    return render(request, "crm/imports/list.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*IMPORTERS)
def import_new(request: HttpRequest) -> HttpResponse:
    most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    form = UploadForm(request.POST or None, request.FILES or None, most_bytes=most)
    if request.method == "POST" and form.is_valid():
        try:
            batch_id = waiting.receive_file(
                content=form.cleaned_data["file"].read(),
                terms=form.terms(),
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
        except FileRefused as refused:
            form.add_error("file", str(refused.sentence))
        except NotImportable:
            form.add_error("purpose", _("This purpose takes no imported people any more."))
        else:
            ring_imports()
            return redirect("import", batch_id)
    context = {"form": form, "days": OBJECTION_DAYS}
    return render(request, "crm/imports/new.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page(*IMPORTS_READERS)
def import_page(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """What an import is at this moment: being counted, waiting for a yes, running, or over."""
    batch = get_object_or_404(ImportBatch, id=batch_id)
    return render(request, "crm/imports/import.html", _shown(request, batch))


def _shown(
    request: HttpRequest, batch: ImportBatch, columns: ColumnsForm | None = None
) -> dict[str, Any]:
    at = waiting.pending(batch.id) if batch.finished_at is None else None
    stage = at.stage if at else "over"
    context: dict[str, Any] = {
        "batch": batch,
        "stage": stage,
        "at": at,
        "purpose": _titles().get(batch.purpose_id, batch.purpose_id),
        "by": _usernames([batch]).get(batch.created_by, ""),
        "may_import": _may_import(request),
        "days": OBJECTION_DAYS,
    }
    if at and stage == waiting.READY and context["may_import"]:
        found = at.found
        context |= {
            "found": found,
            "columns": columns or ColumnsForm(header=at.header, initial=at.mapping),
            "refused": _lines(found.get("refusals", [])),
            "reasons": _counted(reason for _line, reason in found.get("refusals", [])),
        }
    if batch.finished_at:
        refusals = [(one["line"], one["reason"]) for one in batch.refusals]
        context |= {
            "refused": _lines(refusals),
            "refused_total": len(refusals),
            "reasons": _counted(reason for _line, reason in refusals),
        }
    return context


def _lines(refusals: Any) -> list[dict[str, object]]:
    return [
        {"line": line, "reason": words(REASONS, str(reason))} for line, reason in refusals[:SHOWN]
    ]


def _counted(reasons: Any) -> list[dict[str, object]]:
    counted = Counter(str(reason) for reason in reasons)
    return [{"reason": words(REASONS, code), "count": n} for code, n in counted.most_common()]


@require_safe
@staff_page(*IMPORTS_READERS)
def import_progress(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The numbers of this moment; when the import is at another point, the page."""
    batch = get_object_or_404(ImportBatch.objects.defer("refusals"), id=batch_id)
    at = waiting.pending(batch.id) if batch.finished_at is None else None
    stage = at.stage if at else "over"
    if stage != request.GET.get("stage"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "crm/imports/_progress.html", {"batch": batch, "at": at, "stage": stage})


@require_POST
@staff_page(*IMPORTERS)
def import_columns(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    batch = get_object_or_404(ImportBatch, id=batch_id)
    at = waiting.pending(batch_id)
    if at is None:
        raise Http404
    form = ColumnsForm(request.POST, header=at.header)
    if not form.is_valid():
        context = _shown(request, batch, form)
        return render(request, "crm/imports/import.html", context, status=422)
    return _moved(
        request, batch_id, lambda: waiting.choose_columns(batch_id=batch_id, mapping=form.mapping)
    )


@require_POST
@staff_page(*IMPORTERS)
def import_run(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return _moved(request, batch_id, lambda: waiting.confirm(batch_id=batch_id))


@require_POST
@staff_page(*IMPORTERS)
def import_drop(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    answer = _moved(request, batch_id, lambda: waiting.give_up(batch_id=batch_id))
    messages.info(request, _("The import is given up; what was kept of the file is destroyed."))
    return redirect("import-list") if answer.status_code == 302 else answer


def _moved(request: HttpRequest, batch_id: UUID, verb: Any) -> HttpResponse:
    get_object_or_404(ImportBatch.objects.only("id"), id=batch_id)
    try:
        verb()
    except (waiting.NotReady, waiting.ImportUnknown):
        messages.error(request, _("The import is at another point meanwhile: look again."))
    else:
        ring_imports()
    return redirect("import", batch_id)


@require_safe
@staff_page(*IMPORTS_READERS)
def import_refusals(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Line numbers and reasons as a file, never the lines: whoever has the file has those."""
    batch = get_object_or_404(ImportBatch, id=batch_id, finished_at__isnull=False)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{batch.id}.csv"'
    response.write("\ufeff")  # or Excel reads it as Windows-1252
    writer = csv.writer(response, quoting=csv.QUOTE_ALL)
    writer.writerow([as_text(_("Line")), as_text(_("Reason"))])
    for one in batch.refusals:
        writer.writerow([int(one["line"]), as_text(str(words(REASONS, str(one["reason"]))))])
    return response


def as_text(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if value[:1] in _FORMULA else value


# The full-width ones are read as the others where Japanese is typed.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _may_import(request: HttpRequest) -> bool:
    return account_of(request).role in IMPORTERS


def _titles() -> dict[str, str]:
    return {one.code: one.title for one in purposes(language=get_language() or "fr")}


def _usernames(rows: list[ImportBatch]) -> dict[UUID, str]:
    found = Account.objects.filter(id__in={row.created_by for row in rows})
    return dict(found.values_list("id", "username"))
