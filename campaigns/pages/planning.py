"""Before the launch: its moment, and the second person of a large campaign."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns import services
from campaigns.models import Campaign, CampaignState
from campaigns.pages import WRITERS
from campaigns.pages.labels import REFUSALS, advice
from campaigns.pages.planning_forms import AgreeForm, ScheduleForm, SeenForm
from campaigns.planning import agreement
from campaigns.planning.agreement_words import facts_of
from campaigns.planning.comparing import comparison_of
from campaigns.planning.missing import missing
from campaigns.planning.moments import company_zone
from campaigns.services import ChangedMeanwhile, NotReady, TooFar, TooSoon, WrongState
from crm.services import Account, SegmentUnknown, Waterfall, account_of, staff_page
from privacy.services import NotPending, SamePerson

AGREERS = (*WRITERS, "dpo")
_SHOWN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.FINISHED)


def planning_context(
    campaign: Campaign, fall: Waterfall | str | None, reader: Account, now: datetime
) -> dict[str, Any]:
    """What the page of an unlaunched campaign says of its moment and of the second person."""
    people = fall.reachable if isinstance(fall, Waterfall) else 0
    plan = agreement.plan_of(campaign)
    agreed = agreement_context(campaign, people, reader, now)
    return {
        **agreed,
        "plan": plan,
        "comparison": comparison_of(campaign.id),
        "halted": advice(campaign.halted_reason),
        "is_scheduled": campaign.state == CampaignState.SCHEDULED,
        "zone": str(company_zone()),
        "schedule_form": schedule_form(campaign, plan is not None and plan.is_by_local_hour),
    }


def schedule_form(campaign: Campaign, is_by_local_hour: bool) -> ScheduleForm:
    initial: dict[str, Any] = {"seen": campaign.updated_at.isoformat()}
    if campaign.scheduled_at is not None:
        wall = campaign.scheduled_at.astimezone(company_zone())
        initial |= {"day": wall.strftime("%Y-%m-%d"), "hour": wall.strftime("%H:%M")}
    return ScheduleForm(initial=initial | {"is_by_local_hour": is_by_local_hour})


def agreement_context(
    campaign: Campaign, people: int, reader: Account, now: datetime
) -> dict[str, Any]:
    """Whether a second person is needed, who was asked, and whether the reader is that person."""
    is_needed = agreement.is_needed(people=people, plan=agreement.plan_of(campaign))
    try:
        found = agreement.agreement(campaign_id=campaign.id) if is_needed else None
    except SegmentUnknown:
        found = None
    is_waiting = found is not None and found.is_waiting(now)
    is_other = found is not None and found.asked.requested_by != reader.id
    return {
        "needs_agreement": is_needed,
        "agreement": found,
        "agreement_holds": found is not None and found.holds(now),
        "agreement_waits": is_waiting,
        "may_agree": is_waiting and is_other and reader.role in AGREERS,
        "refused_because": REFUSALS.get(found.refusal_reason, "") if found else "",
        "people": people,
    }


def _again(request: HttpRequest, campaign_id: UUID, said: str) -> HttpResponse:
    messages.error(request, said)
    return redirect("campaign", campaign_id)


@require_POST
@staff_page(*WRITERS)
def campaign_schedule(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.defer("mjml"), id=campaign_id)
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _schedule_again(request, campaign, form)
    given = form.cleaned_data
    try:
        services.schedule(
            campaign_id=campaign_id,
            actor_id=account_of(request).id,
            scheduled_at=given["scheduled_at"],
            is_by_local_hour=given["is_by_local_hour"],
            seen_at=given["seen"],
            now=timezone.now(),
        )
    except (TooSoon, TooFar, NotReady, WrongState, ChangedMeanwhile) as error:
        return _again(request, campaign_id, _why_not_scheduled(error, given["is_by_local_hour"]))
    messages.success(request, _("It is scheduled. Until then it can be moved or taken back."))
    return redirect("campaign", campaign_id)


def _schedule_again(request: HttpRequest, campaign: Campaign, form: ScheduleForm) -> HttpResponse:
    from campaigns.pages.launching import check_page

    if campaign.state not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
        return redirect("campaign", campaign.id)
    return check_page(request, campaign, status=422, schedule_form=form)


def _why_not_scheduled(error: Exception, is_by_local_hour: bool) -> str:
    if isinstance(error, TooSoon):
        if is_by_local_hour:
            return _(
                "That hour is over already where the day begins first. Choose a moment at least"
                " 13 hours ahead, or one moment for everybody."
            )
        return _("That moment is over. Choose a later one.")
    if isinstance(error, TooFar):
        return _("That is more than a year ahead. Choose an earlier moment.")
    if isinstance(error, NotReady):
        return _("The campaign cannot be scheduled yet: see what is to put right.")
    return _("Somebody changed the campaign after you read it. Read it again.")


@require_POST
@staff_page(*WRITERS)
def campaign_unschedule(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    get_object_or_404(Campaign.objects.only("id"), id=campaign_id)
    try:
        services.unschedule(
            campaign_id=campaign_id, actor_id=account_of(request).id, now=timezone.now()
        )
    except WrongState:
        return _again(request, campaign_id, _("It has started already: pause or cancel it."))
    messages.success(request, _("It is a draft again; nothing is sent by itself."))
    return redirect("campaign", campaign_id)


@require_POST
@staff_page(*WRITERS)
def campaign_ask(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Ask for a second person; how many people it is for is counted here, not believed."""
    campaign = get_object_or_404(Campaign.objects.defer("mjml"), id=campaign_id)
    form, now = SeenForm(request.POST), timezone.now()
    if campaign.state not in _SHOWN or not form.is_valid():
        return _again(request, campaign_id, _("The campaign is in another state meanwhile."))
    try:
        agreement.ask(
            campaign_id=campaign_id,
            actor_id=account_of(request).id,
            people=_people(campaign, now),
            seen_at=form.cleaned_data["seen"],
            now=now,
        )
    except (ChangedMeanwhile, NotReady, SegmentUnknown, WrongState):
        return _again(request, campaign_id, _("Somebody changed it after you read it. Look again."))
    messages.success(request, _("Asked. Another person sees it on this page and can agree."))
    return redirect("campaign", campaign_id)


def _people(campaign: Campaign, now: datetime) -> int:
    """The most that the next round could write to."""
    found = missing(campaign_id=campaign.id, now=now)
    return found.people(with_failed=True, with_unknown=True)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*AGREERS, needs_step_up=True)
def campaign_agree(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """What the second person agrees to, in words, with the mail beside it; then their answer."""
    related = Campaign.objects.select_related("purpose", "segment").defer("mjml")
    campaign = get_object_or_404(related, id=campaign_id)
    found = _waiting(campaign, timezone.now())
    if found is None:
        return redirect("campaign", campaign_id)
    given = request.POST if request.method == "POST" else None
    form = AgreeForm(given, initial={"asked": found.asked.id})
    if form.is_valid():
        return _decided(request, campaign_id, form)
    context = {
        "campaign": campaign,
        "form": form,
        "facts": facts_of(found.asked.reference, campaign),
        "is_own": found.asked.requested_by == account_of(request).id,
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/agree.html", context, status=status)


def _waiting(campaign: Campaign, now: datetime) -> agreement.Agreement | None:
    try:
        found = agreement.agreement(campaign_id=campaign.id)
    except SegmentUnknown:
        return None
    return found if found is not None and found.is_waiting(now) else None


def _decided(request: HttpRequest, campaign_id: UUID, form: AgreeForm) -> HttpResponse:
    is_approved = form.cleaned_data["do"] == "agree"
    try:
        agreement.decide(
            campaign_id=campaign_id,
            approval_id=form.cleaned_data["asked"],
            account=account_of(request),
            is_approved=is_approved,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except SamePerson:
        return _again(request, campaign_id, _("You asked for this: another person decides it."))
    except NotPending:
        return _again(request, campaign_id, _("It was decided or changed meanwhile. Look again."))
    done = _("You agreed. It can be sent.") if is_approved else _("Refused. The author sees why.")
    messages.success(request, done)
    return redirect("campaign", campaign_id)
