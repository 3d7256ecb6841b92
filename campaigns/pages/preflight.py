"""The look before the launch: asked for by a person, done by the worker, read here."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from campaigns.models import Campaign, CampaignState, Preflight, PreflightState
from campaigns.pages import READERS, WRITERS
from campaigns.pages.preflight_words import shown
from campaigns.preflight.findings import Finding, Verdict
from campaigns.preflight.running import ask_preflight
from crm.services import account_of, staff_page

_ORDER = (Verdict.STOPS, Verdict.WARNING, Verdict.UNKNOWN, Verdict.PASSED)


@require_POST
@staff_page(*WRITERS)
def preflight_ask(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    if campaign.state in (CampaignState.DRAFT, CampaignState.SCHEDULED):
        ask_preflight(campaign_id=campaign_id, now=timezone.now())
    return redirect("campaign", campaign_id)


@require_safe
@staff_page(*READERS)
def preflight_fragment(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """The section alone, asked for again and again while the worker looks."""
    campaign = get_object_or_404(Campaign, id=campaign_id)
    context = {"campaign": campaign, **preflight_context(request, campaign)}
    return render(request, "campaigns/_preflight.html", context)


def preflight_context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What the section needs: nothing asked yet, how far it is, or what was found."""
    kept = Preflight.objects.filter(campaign=campaign).first()
    found = [shown(Finding.of(each)) for each in kept.findings] if kept else []
    groups = [(verdict, [one for one in found if one.verdict == verdict]) for verdict in _ORDER]
    return {
        "preflight": kept,
        "preflight_groups": [(verdict, here) for verdict, here in groups if here],
        "preflight_counts": {str(verdict): len(here) for verdict, here in groups},
        "preflight_is_waiting": kept is not None and kept.state == PreflightState.WAITING,
        "preflight_is_old": kept is not None and kept.words_at != campaign.updated_at,
        "preflight_may_ask": account_of(request).role in WRITERS,
    }
