"""A launched campaign: while its audience is frozen, and its later rounds to whoever was missed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns import services
from campaigns.models import Campaign, CampaignState, LaunchPlan
from campaigns.pages import WRITERS
from campaigns.pages.labels import advice
from campaigns.pages.planning import agreement_context
from campaigns.pages.planning_forms import MissingForm
from campaigns.services import NothingMissing, NotReady, WrongState
from crm.services import Account, account_of, staff_page


def starting_context(campaign_id: UUID) -> dict[str, Any]:
    plan = LaunchPlan.objects.filter(campaign_id=campaign_id).first()
    return {"freezing_at": plan.freezing_at if plan else None}


def rounds_context(campaign: Campaign, _reader: Account, _now: datetime) -> dict[str, Any]:
    """The rounds that were sent, and what the page says while the next one is prepared."""
    halted = advice(campaign.halted_reason) if campaign.state == CampaignState.FINISHED else None
    return {
        "rounds": list(campaign.rounds.order_by("number")),
        "halted": halted,
        **starting_context(campaign.id),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_missing(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """GET says who was missed and what each choice risks; POST plans the round."""
    campaign = get_object_or_404(Campaign.objects.defer("mjml"), id=campaign_id)
    if campaign.state != CampaignState.FINISHED:
        return redirect("campaign", campaign_id)
    form = MissingForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _planned(request, campaign_id, form)
    now = timezone.now()
    try:
        found = services.missing(campaign_id=campaign_id, now=now)
    except NotReady as obstacle:
        messages.error(request, str(obstacle.reasons[0].text))
        return redirect("campaign", campaign_id)
    most = found.people(with_failed=True, with_unknown=True)
    context = {"campaign": campaign, "missing": found, "form": form, "most": most}
    context |= agreement_context(campaign, most, account_of(request), now)
    return render(request, "campaigns/missing.html", context)


def _planned(request: HttpRequest, campaign_id: UUID, form: MissingForm) -> HttpResponse:
    try:
        services.send_missing(
            campaign_id=campaign_id,
            actor_id=account_of(request).id,
            now=timezone.now(),
            **form.cleaned_data,
        )
    except NothingMissing:
        messages.info(request, _("Nobody would get it with this choice."))
        return redirect("campaign-missing", campaign_id)
    except NotReady as obstacle:
        messages.error(request, str(obstacle.reasons[0].text))
    except WrongState:
        messages.error(request, _("The campaign is in another state meanwhile: look again."))
    else:
        messages.success(request, _("The round is being prepared; sending begins within seconds."))
    return redirect("campaign", campaign_id)
