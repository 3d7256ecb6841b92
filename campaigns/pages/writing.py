"""List, write and copy campaigns."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import drafts
from campaigns.content.library import starter, starters
from campaigns.content.lint import lint
from campaigns.models import Campaign, CampaignState, Template
from campaigns.pages import READERS, WRITERS
from campaigns.pages.forms import CampaignForm
from campaigns.pages.labels import STATE_NAMES
from crm.access import account_of, staff_page

PAGE_SIZE = 25


@require_GET
@staff_page(*READERS)
def campaign_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    rows = Campaign.objects.select_related("purpose", "segment").order_by("-created_at", "-id")
    if state in CampaignState.values:
        rows = rows.filter(state=state)
    shown = list(_after(rows, request.GET.get("after", ""))[: PAGE_SIZE + 1])
    page = shown[:PAGE_SIZE]
    context = {
        "campaigns": page,
        "state": state,
        "states": STATE_NAMES.items(),
        "has_more": len(shown) > PAGE_SIZE,
        "next_url": f"?state={state}&after={page[-1].id}" if page else "",
        "first_url": f"?state={state}" if request.GET.get("after") else "",
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/list.html", context)


def _after(rows: QuerySet[Campaign], last: str) -> QuerySet[Campaign]:
    """Keyset paging: what is older than the last row of the page before."""
    try:
        row = Campaign.objects.filter(id=UUID(last)).only("created_at").first()
    except ValueError:
        row = None
    if row is None:
        return rows
    older = Q(created_at__lt=row.created_at) | Q(created_at=row.created_at, id__lt=row.id)
    return rows.filter(older)


@require_GET
@staff_page(*WRITERS)
def campaign_start(request: HttpRequest) -> HttpResponse:
    """Where to start from: a template of the team, or one that came with the program."""
    context = {
        "templates": Template.objects.filter(archived_at=None).order_by("name"),
        "starters": starters(),
    }
    return render(request, "campaigns/start.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(*WRITERS)
def campaign_new(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None, initial=_initial(request.GET.get("from", "")))
    if request.method == "POST" and form.is_valid():
        campaign_id = drafts.create_draft(
            draft=form.draft(), actor_id=account_of(request).id, now=timezone.now()
        )
        _tell(request, form.cleaned_data["mjml"])
        return redirect("campaign", campaign_id)
    return render(request, "campaigns/edit.html", {"form": form})


def _initial(source: str) -> dict[str, str]:
    initial = {
        "language": get_language() or "fr",
        "sender_name": settings.SENDER_NAME,
        "sender_address": settings.SENDER_ADDRESS,
    }
    chosen = starter(source) or _template(source)
    return initial | ({"mjml": chosen.mjml, "language": chosen.language} if chosen else {})


def _template(source: str) -> Template | None:
    try:
        return Template.objects.filter(id=UUID(source), archived_at=None).first()
    except ValueError:
        return None


@require_http_methods(["GET", "POST"])
@staff_page(*WRITERS)
def campaign_edit(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    if campaign.state != CampaignState.DRAFT:
        return _too_late(request, campaign_id)
    form = CampaignForm(request.POST or None, initial=_written(campaign))
    if request.method == "POST" and form.is_valid():
        try:
            drafts.change_draft(campaign_id=campaign_id, draft=form.draft(), now=timezone.now())
        except drafts.NotADraft:
            return _too_late(request, campaign_id)
        _tell(request, form.cleaned_data["mjml"])
        return redirect("campaign", campaign_id)
    return render(request, "campaigns/edit.html", {"form": form, "campaign": campaign})


def _written(campaign: Campaign) -> dict[str, object]:
    names = set(CampaignForm.base_fields) - {"purpose", "segment"}
    relations = {"purpose": campaign.purpose_id, "segment": campaign.segment_id or ""}
    return {name: getattr(campaign, name) for name in names} | relations


def _too_late(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    messages.error(request, _("This campaign is no longer a draft. Copy it to write a new one."))
    return redirect("campaign", campaign_id)


def _tell(request: HttpRequest, mjml: str) -> None:
    count = len(lint(mjml))
    if not count:
        messages.success(request, _("The campaign is saved."))
        return
    text = ngettext(
        "Saved. %(count)s thing to put right before the launch.",
        "Saved. %(count)s things to put right before the launch.",
        count,
    )
    messages.warning(request, text % {"count": count})


@require_POST
@staff_page(*WRITERS)
def campaign_copy(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    old = get_object_or_404(Campaign, id=campaign_id)
    name = _("Copy of %(name)s") % {"name": old.name}
    actor_id, now = account_of(request).id, timezone.now()
    copied = drafts.copy_campaign(campaign_id=old.id, name=name, actor_id=actor_id, now=now)
    messages.success(request, _("The campaign is copied."))
    return redirect("campaign-edit", copied)
