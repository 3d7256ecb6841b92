"""Before the launch: what is missing, who will get it, a test, and the button."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns import services
from campaigns.models import Campaign, CampaignVersion
from campaigns.pages import WRITERS
from campaigns.pages.editor import shown_version
from campaigns.pages.forms import LaunchForm, TestSendForm
from campaigns.pages.planning import planning_context
from campaigns.pages.preflight import preflight_context
from campaigns.pages.previews import audience_context
from campaigns.pages.versions import chosen_version, version_choices
from campaigns.services import ChangedMeanwhile, NotReady, TestNotSent, WrongState
from crm.services import account_of, staff_page


def check_page(
    request: HttpRequest, campaign: Campaign, *, status: int = 200, **forms: Any
) -> HttpResponse:
    """The page of a campaign that is not launched; readers see it without its buttons."""
    context: dict[str, Any] = {
        "campaign": campaign,
        "reasons": services.obstacles(campaign_id=campaign.id, now=timezone.now()),
        "may_write": account_of(request).role in WRITERS,
        "launch_form": LaunchForm(initial={"seen": campaign.updated_at.isoformat()}),
        "test_form": TestSendForm(),
        "versions": version_choices(campaign),
        **shown_version(request, campaign),
        **preflight_context(request, campaign),
    }
    fall = audience_context(campaign.purpose_id, str(campaign.segment_id or ""))["fall"]
    context |= {"fall": fall}
    context |= planning_context(campaign, fall, account_of(request), timezone.now())
    context |= forms
    return render(request, "campaigns/check.html", context, status=status)


def _campaign(campaign_id: UUID) -> Campaign:
    related = Campaign.objects.select_related("purpose", "segment")
    return get_object_or_404(related, id=campaign_id)


@require_POST
@staff_page(*WRITERS)
def campaign_test(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign, form = _campaign(campaign_id), TestSendForm(request.POST)
    if not form.is_valid():
        return check_page(request, campaign, status=422, test_form=form)
    if services.obstacles(campaign_id=campaign_id, now=timezone.now()):
        form.add_error("to", _("The mail cannot be sent yet: see what is to put right."))
        return check_page(request, campaign, status=422, test_form=form)
    try:
        services.send_test(
            campaign_id=campaign_id,
            address=form.cleaned_data["to"],
            **chosen_version(request.POST.get("version", "")),
            now=timezone.now(),
        )
    except CampaignVersion.DoesNotExist:
        form.add_error("to", _("This version was taken out meanwhile. Choose another."))
        return check_page(request, campaign, status=422, test_form=form)
    except TestNotSent as refused:
        return check_page(request, campaign, status=422, test_form=form, relay_error=str(refused))
    # The address stays out of the message: messages wait in a cookie.
    messages.success(request, _("The relay has taken the test mail. Look at the mailbox."))
    return redirect("campaign", campaign_id)


@require_POST
@staff_page(*WRITERS)
def campaign_launch(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign, form = _campaign(campaign_id), LaunchForm(request.POST)
    if not form.is_valid():
        form = LaunchForm({"seen": campaign.updated_at.isoformat(), **_ticks(request)})
        return check_page(request, campaign, status=422, launch_form=form)
    try:
        services.begin_launch(
            campaign_id=campaign_id,
            actor_id=account_of(request).id,
            seen_at=form.cleaned_data["seen"],
            now=timezone.now(),
        )
    except (NotReady, ChangedMeanwhile, WrongState) as obstacle:
        messages.error(request, _obstacle(obstacle))
        return redirect("campaign", campaign_id)
    messages.success(request, _("The audience is being frozen; sending begins within seconds."))
    return redirect("campaign", campaign_id)


def _ticks(request: HttpRequest) -> dict[str, str]:
    return {"is_checked": "on"} if request.POST.get("is_checked") else {}


def _obstacle(error: Exception) -> str:
    if isinstance(error, ChangedMeanwhile):
        return _("Somebody changed the campaign after you read it. Read it again, then launch.")
    if isinstance(error, WrongState):
        return _("The campaign was launched or cancelled already.")
    return _("The campaign cannot be launched yet: see what is to put right.")
