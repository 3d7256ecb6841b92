"""The A/B test of a campaign: its settings, and what it showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from campaigns import services
from campaigns.drafts import ChangedMeanwhile, NotADraft
from campaigns.models import Campaign, CampaignState, Comparison, WinnerRule
from campaigns.pages import WRITERS
from campaigns.pages.planning_forms import RULES, ChooseForm, CompareForm
from campaigns.pages.previews import audience_context
from campaigns.planning.comparing import comparison_of, shares
from campaigns.planning.statistics import Share, compared, messages_needed
from campaigns.services import AlreadyChosen, NotYet
from crm.services import Waterfall, account_of, staff_page

LETTERS = "ABCD"
# What the suggestion of a sample is about: how often it happens, and which change is to be shown.
_CASES = (
    (gettext_lazy("Openings, from 20 % to 25 %"), 0.20, 0.25),
    (gettext_lazy("Clicks, from 2 % to 3 %"), 0.02, 0.03),
    (gettext_lazy("Opt-outs, from 0.5 % to 1 %"), 0.005, 0.01),
)
OUTCOMES = {
    "winner": gettext_lazy("%(letter)s was shown to be better than every other, and goes on."),
    "person": gettext_lazy("A person chose %(letter)s."),
    "ruled_out": gettext_lazy(
        "Another was shown to be worse; between the rest no difference was shown. %(letter)s goes"
        " on, the first of them."
    ),
    "no_difference": gettext_lazy(
        "No difference was shown. %(letter)s goes on, the first: chance alone can make numbers as"
        " different as these."
    ),
    "too_few": gettext_lazy(
        "There were too few messages or events to say anything. %(letter)s goes on, the first."
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    letter: str
    messages: int
    events: int
    percent: str


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_compare(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.defer("mjml"), id=campaign_id)
    if campaign.state != CampaignState.DRAFT:
        return redirect("campaign", campaign_id)
    if request.method == "POST":
        form = CompareForm(request.POST)
        if request.POST.get("do") == "remove" or form.is_valid():
            return _kept(request, campaign, form)
    else:
        form = CompareForm(initial=_initial(campaign))
    context = {"campaign": campaign, "form": form, "has_one": comparison_of(campaign_id)}
    context |= _suggestion(campaign)
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compare.html", context, status=status)


def _initial(campaign: Campaign) -> dict[str, Any]:
    seen = {"seen": campaign.updated_at.isoformat()}
    one = Comparison.objects.filter(campaign_id=campaign.id).values(
        "variants", "sample_percent", "rule", "wait_minutes"
    )
    first = {"variants": 2, "sample_percent": 20, "rule": WinnerRule.CLICKS, "wait_minutes": 1440}
    return seen | (one.first() or first)


def _kept(request: HttpRequest, campaign: Campaign, form: CompareForm) -> HttpResponse:
    is_removed = request.POST.get("do") == "remove"
    try:
        services.compare_variants(
            campaign_id=campaign.id,
            chosen=None if is_removed else form.chosen(),
            seen_at=None if is_removed else form.cleaned_data["seen"],
            now=timezone.now(),
        )
    except (ChangedMeanwhile, NotADraft):
        messages.error(request, _("Somebody changed the campaign after you read it. Look again."))
    else:
        gone, kept = _("There is no A/B test any more."), _("The A/B test is kept.")
        messages.success(request, gone if is_removed else kept)
    return redirect("campaign", campaign.id)


def _suggestion(campaign: Campaign) -> dict[str, Any]:
    """How many messages a variant needs: said before anybody believes a small test."""
    fall = audience_context(campaign.purpose_id, str(campaign.segment_id or ""))["fall"]
    people = fall.reachable if isinstance(fall, Waterfall) else 0
    needed = [
        (text, [messages_needed(one, other, comparisons=pairs) for pairs in (1, 3, 6)])
        for text, one, other in _CASES
    ]
    return {"people": people, "needed": needed}


@require_POST
@staff_page(*WRITERS)
def campaign_choose(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    get_object_or_404(Comparison, campaign_id=campaign_id)
    form = ChooseForm(request.POST)
    try:
        if form.is_valid():
            services.choose(
                campaign_id=campaign_id,
                variant=form.cleaned_data["variant"],
                actor_id=account_of(request).id,
                now=timezone.now(),
            )
    except (NotYet, AlreadyChosen, ValueError):
        messages.error(request, _("It cannot be chosen now: look at the page again."))
    else:
        messages.success(request, _("Chosen. The rest of the audience gets it."))
    return redirect("campaign", campaign_id)


def comparison_context(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """What the page of a launched campaign says of its A/B test; no number before its time."""
    one = comparison_of(campaign.id)
    if one is None:
        return {}
    is_waiting = one.winner is None and one.rule == WinnerRule.PERSON
    may_choose = is_waiting and one.decide_at is not None and one.decide_at <= now
    context = {
        "comparison": one,
        "rule_words": RULES[WinnerRule(one.rule)],
        "may_choose": may_choose and campaign.state != CampaignState.CANCELLED,
        "letters": list(enumerate(LETTERS[: one.variants])),
    }
    if one.winner is not None:
        context["outcome"] = OUTCOMES[one.outcome] % {"letter": LETTERS[one.winner]}
    return context | {"tables": _tables(one, may_choose)}


def _tables(one: Comparison, may_choose: bool) -> list[dict[str, Any]]:
    """By the rule what was counted at the decision; for a person all three, as they are now."""
    if one.rule == WinnerRule.PERSON:
        rules = [WinnerRule.CLICKS, WinnerRule.OPENS, WinnerRule.OPT_OUTS] if may_choose else []
        counted = [
            (rule, shares(campaign_id=one.campaign_id, rule=rule, variants=one.variants))
            for rule in rules
        ]
    elif one.winner is not None:
        kept = {at: Share(*pair) for at, pair in enumerate(one.tally)}
        counted = [(WinnerRule(one.rule), kept)]
    else:
        counted = []
    return [
        {"title": RULES[rule], "rows": _rows(found), "pairs": _pairs(found)}
        for rule, found in counted
    ]


def _rows(found: Any) -> Sequence[Row]:
    return [
        Row(LETTERS[at], each.messages, each.events, f"{100 * each.rate:.1f}")
        for at, each in found.items()
    ]


def _pairs(found: Any) -> list[dict[str, str]]:
    if min(each.messages for each in found.values()) == 0:
        return []
    return [
        {
            "one": LETTERS[pair.one],
            "other": LETTERS[pair.other],
            "low": f"{100 * pair.low:+.1f}",
            "high": f"{100 * pair.high:+.1f}",
            "p": f"{pair.p:.3f}",
        }
        for pair in compared(found)
    ]
