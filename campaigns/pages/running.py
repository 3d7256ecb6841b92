"""A campaign after its launch: progress, account, history, and its brakes."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import services
from campaigns.models import Campaign, CampaignState
from campaigns.pages import READERS, WRITERS
from campaigns.pages.comparing import comparison_context
from campaigns.pages.editor import sequence_of, shown_version
from campaigns.pages.figures import is_moving, parts
from campaigns.pages.labels import (
    HISTORY_WORDS,
    STATE_NAMES,
    advice,
    history_reason,
    reason_lines,
)
from campaigns.pages.later_rounds import rounds_context, starting_context
from campaigns.pages.launching import check_page
from campaigns.pages.planning_forms import CancelForm
from campaigns.services import WrongState
from crm.services import Account, account_of, staff_page

UNLAUNCHED = (CampaignState.DRAFT, CampaignState.SCHEDULED)
STOPPABLE = (*UNLAUNCHED, CampaignState.STARTING, CampaignState.RUNNING, CampaignState.PAUSED)


@require_safe
@staff_page(*READERS)
def campaign(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    shown = _campaign(campaign_id)
    sequence = sequence_of(shown)
    if shown.state in UNLAUNCHED and sequence is not None:
        return redirect("sequence-edit", sequence.id)
    if shown.state in UNLAUNCHED:
        return check_page(request, shown)
    now = timezone.now()
    context = {
        "campaign": shown,
        "sequence": sequence,
        "state_name": STATE_NAMES[shown.state],
        "history": _history(shown),
        "may_write": account_of(request).role in WRITERS,
        **shown_version(request, shown),
        "archive_url": f"{settings.PUBLIC_URL}/archive/{shown.id}/{shown.language}",
        **_account(campaign_id),
        **comparison_context(shown, now),
        **rounds_context(shown, account_of(request), now),
    }
    return render(request, "campaigns/launched.html", context)


def _campaign(campaign_id: UUID) -> Campaign:
    related = Campaign.objects.select_related("purpose", "segment").defer("mjml", "blocks")
    return get_object_or_404(related, id=campaign_id)


def _account(campaign_id: UUID) -> dict[str, Any]:
    account = services.progress(campaign_id=campaign_id)
    excluded = reason_lines(account.exclusions)
    return {
        "account": account,
        "parts": parts(account),
        "excluded": excluded,
        "excluded_total": sum(line.count for line in excluded),
        "members": account.audience + sum(line.count for line in excluded),
        "advice": advice(account.halted_reason),
        "is_moving": is_moving(account),
    }


def _history(shown: Campaign) -> list[dict[str, Any]]:
    """Newest first; `who` is empty for what the program did by itself."""
    changes = list(shown.changes.order_by("-at", "-id"))
    actors = {change.actor_id for change in changes if change.actor_id}
    names = dict(Account.objects.filter(id__in=actors).values_list("id", "username"))
    return [
        {
            "at": change.at,
            "state": change.to_state,
            "state_name": STATE_NAMES[change.to_state],
            "what": HISTORY_WORDS.get(change.reason, ""),
            "why": history_reason(change.reason),
            "is_by_program": change.actor_id is None,
            "who": names.get(change.actor_id, "") if change.actor_id else "",
        }
        for change in changes
    ]


@require_safe
@staff_page(*READERS)
def campaign_progress(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """The numbers of this moment; when the state is another than the page knows, the page."""
    state = get_object_or_404(Campaign.objects.only("state"), id=campaign_id).state
    if state != request.GET.get("state"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = _account(campaign_id) | {"campaign": {"id": campaign_id, "state": state}}
    if state == CampaignState.STARTING:
        context |= starting_context(campaign_id)
        return render(request, "campaigns/_starting.html", context)
    return render(request, "campaigns/_progress.html", context)


@require_POST
@staff_page(*WRITERS)
def campaign_pause(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    text = _("Paused. Messages that were being handed over this second still leave.")
    return _moved(request, campaign_id, services.pause, text)


@require_POST
@staff_page(*WRITERS)
def campaign_resume(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    return _moved(request, campaign_id, services.resume, _("Sending goes on."))


@require_POST
@staff_page(*WRITERS)
def campaign_public(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Show a campaign in the public archive, or no longer: both can be taken back."""
    is_public = request.POST.get("public") == "yes"
    actor_id, now = account_of(request).id, timezone.now()
    try:
        services.mark_public(
            campaign_id=campaign_id, is_public=is_public, actor_id=actor_id, now=now
        )
    except Campaign.DoesNotExist:
        raise Http404 from None
    except services.NotToBePublished:
        messages.error(request, _("A cancelled campaign is not shown to anybody."))
    else:
        shown = _("Anybody may read it in the archive a minute after its launch.")
        hidden = _("It leaves the archive within a minute.")
        messages.success(request, shown if is_public else hidden)
    return redirect("campaign", campaign_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_cancel(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """GET asks, POST does: what is cancelled does not come back."""
    shown = _campaign(campaign_id)
    if (sequence := sequence_of(shown)) is not None:  # its sequence ends it
        return redirect("sequence", sequence.id)
    is_draft = shown.state in UNLAUNCHED
    form = CancelForm(request.POST if request.method == "POST" else None)
    form.fields["reason"].required = not is_draft
    if form.is_valid():
        cancel = partial(services.cancel, reason=form.cleaned_data["reason"])
        return _moved(request, campaign_id, cancel, _("The campaign is cancelled."))
    if shown.state not in STOPPABLE:
        return redirect("campaign", campaign_id)
    context = {"campaign": shown, "is_draft": is_draft, "form": form, **_account(campaign_id)}
    return render(request, "campaigns/cancel.html", context, status=422 if form.is_bound else 200)


def _moved(
    request: HttpRequest, campaign_id: UUID, verb: Callable[..., None], text: str
) -> HttpResponse:
    get_object_or_404(Campaign.objects.only("id"), id=campaign_id)
    try:
        verb(campaign_id=campaign_id, actor_id=account_of(request).id, now=timezone.now())
    except WrongState:
        messages.error(request, _("The campaign is in another state meanwhile: look again."))
    else:
        messages.success(request, text)
    return redirect("campaign", campaign_id)
