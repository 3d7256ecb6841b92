"""What became of a campaign, in figures that the worker counted."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns import services
from campaigns.models import Campaign, CampaignMode
from campaigns.pages import READERS
from campaigns.pages.labels import STATE_NAMES, reason_lines
from campaigns.pages.results_files import results_file
from campaigns.pages.results_words import (
    account_of,
    came_back,
    grounds,
    group,
    groups,
    main_shares,
    outcomes,
    refusals,
    variant_lines,
    ways_out,
)
from campaigns.results.cells import LEAST
from campaigns.results.counting import OPT_OUT_DAYS, kept
from campaigns.results.figures import Figures, Measured
from crm.services import staff_page

_MOVING = ("running", "paused")


@require_safe
@staff_page(*READERS)
def campaign_results(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """The kept figures; before the first count the page says so and looks again by itself."""
    shown = launched_campaign(campaign_id)
    if shown.launched_at is None:
        return redirect("campaign", campaign_id)
    figures, row = kept(campaign_id=campaign_id)
    context = {
        "campaign": shown,
        "state_name": STATE_NAMES[shown.state],
        "is_moving": shown.state in _MOVING and shown.mode == CampaignMode.NEWSLETTER,
        "counted": row,
        "is_due": row is not None and row.due_at <= timezone.now(),
        "figures": figures,
        "least": LEAST,
        "opt_out_days": OPT_OUT_DAYS,
    }
    if figures is not None:
        context |= _account(shown, figures) | _measured(figures.measured)
    return render(request, "campaigns/results.html", context)


def launched_campaign(campaign_id: UUID) -> Campaign:
    rows = Campaign.objects.select_related("purpose", "segment").defer("mjml")
    return get_object_or_404(rows, id=campaign_id)


def _account(shown: Campaign, figures: Figures) -> dict[str, Any]:
    account = account_of(shown, figures)
    excluded = reason_lines(account.exclusions)
    return {
        "account": account,
        "parts": outcomes(figures, account),
        "excluded": excluded,
        "members": account.audience + sum(line.count for line in excluded),
        "shares": main_shares(figures),
        "refusals": refusals(figures),
        "came_back": came_back(figures),
        "ways_out": ways_out(figures),
        "grounds": grounds(figures),
        "variants": variant_lines(figures),
    }


def _measured(measured: Measured | None) -> dict[str, Any]:
    if measured is None:
        return {}
    opened, clicked = dict(measured.opened_on), dict(measured.clicked_on)
    return {
        "everybody": group("", measured.all),
        "groups": groups(measured),
        "links": measured.links,
        "days": [
            (day, opened.get(day, 0), clicked.get(day, 0)) for day in sorted({*opened, *clicked})
        ],
    }


@require_POST
@staff_page(*READERS)
def campaign_recount(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    get_object_or_404(Campaign.objects.only("id"), id=campaign_id)
    services.count_again(campaign_id=campaign_id, now=timezone.now())
    messages.success(request, _("The figures are counted again within seconds."))
    return redirect("campaign-results", campaign_id)


@require_safe
@staff_page(*READERS)
def campaign_results_file(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """The same figures as CSV; of a campaign that was not counted yet there is no file."""
    shown = launched_campaign(campaign_id)
    figures, row = kept(campaign_id=campaign_id)
    if figures is None or row is None:
        messages.error(request, _("The figures are being counted. Try again in some seconds."))
        return redirect("campaign-results", campaign_id)
    return results_file(shown, figures, row)
