"""Campaigns side by side: the list to choose from, up to five of them, and the last twelve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.models import Campaign, CampaignMode, CampaignResult
from campaigns.pages import READERS
from campaigns.pages.labels import STATE_NAMES
from campaigns.pages.results_files import comparison_file
from campaigns.pages.results_words import Rated, Words, main_shares
from campaigns.results.figures import Figures, from_document
from crm.services import staff_page

PAGE_SIZE, MOST, TREND = 25, 5, 12


@dataclass(frozen=True, slots=True)
class Line:
    """A campaign with its figures; none before they were counted for the first time."""

    campaign: Campaign
    state_name: Words
    figures: Figures | None
    counted_at: datetime | None

    @property
    def shares(self) -> list[Rated]:
        return main_shares(self.figures) if self.figures else []

    @property
    def sent(self) -> int | None:
        return self.figures.messages("sent") if self.figures else None


def _launched() -> QuerySet[Campaign]:
    """Mails of a sequence go to a few people a day, for years: they are no campaigns to compare."""
    rows = Campaign.objects.filter(launched_at__isnull=False, mode=CampaignMode.NEWSLETTER)
    return rows.select_related("purpose").defer("mjml").order_by("-launched_at", "-id")


def _lines(campaigns: Sequence[Campaign]) -> list[Line]:
    found = CampaignResult.objects.in_bulk([each.id for each in campaigns])
    lines = []
    for campaign in campaigns:
        row = found.get(campaign.id)
        figures = from_document(row.figures) if row else None
        name = STATE_NAMES[campaign.state]
        lines.append(Line(campaign, name, figures, row.counted_at if row else None))
    return lines


def _after(rows: QuerySet[Campaign], last: str) -> QuerySet[Campaign]:
    """Keyset paging: what was launched before the last row of the page before."""
    try:
        row = Campaign.objects.filter(id=UUID(last)).only("launched_at").first()
    except ValueError:
        row = None
    if row is None or row.launched_at is None:
        return rows
    same = Q(launched_at=row.launched_at, id__lt=row.id)
    return rows.filter(Q(launched_at__lt=row.launched_at) | same)


@require_safe
@staff_page(*READERS)
def results_list(request: HttpRequest) -> HttpResponse:
    """The launched campaigns with their figures; above, the trend of the last twelve."""
    after = request.GET.get("after", "")
    found = list(_after(_launched(), after)[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    context = {
        "lines": _lines(page),
        "trend": [] if after else _trend(),
        "most": MOST,
        "has_more": len(found) > PAGE_SIZE,
        "next_url": f"?after={page[-1].id}" if page else "",
        "first_url": request.path if after else "",
    }
    return render(request, "campaigns/results_list.html", context)


def _trend() -> list[Line]:
    """The last twelve of which there are figures, oldest first; of one there is no trend."""
    lines = [line for line in _lines(list(_launched()[:TREND])) if line.figures]
    return lines[::-1] if len(lines) > 1 else []


def _chosen(request: HttpRequest) -> list[Line]:
    """The chosen campaigns in the order of their launch, newest first; what is no id is nothing."""
    ids = set()
    for text in request.GET.getlist("campaign")[: 4 * MOST]:
        try:
            ids.add(UUID(text))
        except ValueError:
            continue
    return [line for line in _lines(list(_launched().filter(id__in=ids))) if line.figures]


@require_safe
@staff_page(*READERS)
def results_compare(request: HttpRequest) -> HttpResponse:
    lines = _chosen(request)
    if not 2 <= len(lines) <= MOST:
        messages.error(request, _("Choose two to five campaigns that have figures."))
        return redirect("results-list")
    rows = list(zip(*(line.shares for line in lines), strict=True))
    context = {
        "lines": lines,
        "rows": [(row[0].label, row) for row in rows],
        "query": "&".join(f"campaign={line.campaign.id}" for line in lines),
    }
    return render(request, "campaigns/results_compare.html", context)


@require_safe
@staff_page(*READERS)
def results_compare_file(request: HttpRequest) -> HttpResponse:
    lines = _chosen(request)
    if not 1 <= len(lines) <= MOST:
        messages.error(request, _("Choose two to five campaigns that have figures."))
        return redirect("results-list")
    return comparison_file([(line.campaign, line.figures) for line in lines if line.figures])
