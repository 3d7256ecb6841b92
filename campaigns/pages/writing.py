"""Start, write and copy campaigns."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import drafts
from campaigns.brands import brand_sender
from campaigns.content.library import Starter, starter, starters
from campaigns.models import Campaign, CampaignMode, CampaignState, Sequence, Template
from campaigns.pages import WRITERS, mail
from campaigns.pages.forms import CampaignForm
from campaigns.pages.previews import findings_context
from crm.services import account_of, staff_page


def gallery() -> dict[str, Any]:
    """What to start from: the team's templates, and what came with the program, own language
    first."""
    language = get_language()
    return {
        "templates": Template.objects.filter(archived_at=None).order_by("name", "id"),
        "starters": sorted(starters(), key=lambda each: each.language != language),
    }


@require_safe
@staff_page(*WRITERS)
def campaign_start(request: HttpRequest) -> HttpResponse:
    return render(request, "campaigns/start.html", gallery())


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_new(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None, initial=_initial(request.GET.get("from", "")))
    if request.method == "POST" and form.is_valid():
        campaign_id = drafts.create_draft(
            draft=form.draft(), actor_id=account_of(request).id, now=timezone.now()
        )
        return _saved(request, campaign_id, form)
    return _editor(request, form, None)


def _initial(source: str) -> dict[str, str]:
    initial = {
        "language": get_language() or "fr",
        "sender_name": settings.SENDER_NAME,
        "sender_address": settings.SENDER_ADDRESS,
        **brand_sender(),
    }
    chosen = starter(source) or _template(source)
    return initial | ({"mjml": chosen.mjml, "language": chosen.language} if chosen else {})


def _template(source: str) -> Template | Starter | None:
    try:
        return Template.objects.filter(id=UUID(source), archived_at=None).first()
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_edit(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.select_related("segment"), id=campaign_id)
    if campaign.state != CampaignState.DRAFT:
        return _too_late(request, campaign_id)
    form = CampaignForm(request.POST or None, initial=_written(campaign), campaign=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            drafts.change_draft(
                campaign_id=campaign_id,
                draft=form.draft(),
                seen_at=form.cleaned_data["seen"],
                now=timezone.now(),
            )
        except drafts.NotADraft:
            return _too_late(request, campaign_id)
        except drafts.ChangedMeanwhile:
            form = _with_warning(request, campaign)
        else:
            return _saved(request, campaign_id, form)
    return _editor(request, form, campaign)


def _with_warning(request: HttpRequest, campaign: Campaign) -> CampaignForm:
    """The same words, about to replace the newer version if they are saved once more."""
    given = request.POST.copy()
    given["seen"] = campaign.updated_at.isoformat()
    form = CampaignForm(given, campaign=campaign)
    form.add_error(
        None,
        _(
            "Somebody else saved this campaign while you were writing. Your words are still "
            "here: save again to replace theirs."
        ),
    )
    return form


def _editor(request: HttpRequest, form: CampaignForm, campaign: Campaign | None) -> HttpResponse:
    names = ("mjml", "subject", "preheader")
    words = {name: str(form[name].value() or "").replace("\r\n", "\n") for name in names}
    context = {
        "form": form,
        "campaign": campaign,
        "sequence": sequence_of(campaign),
        "fields": mail.merge_fields(),
        **findings_context(**words),
    }
    return render(request, "campaigns/edit.html", context, status=422 if form.errors else 200)


def sequence_of(campaign: Campaign | None) -> Sequence | None:
    """The sequence whose mail this is, if it is one's."""
    if campaign is None or campaign.mode != CampaignMode.SEQUENCE:
        return None
    return Sequence.objects.get(versions__mails__campaign=campaign)


def _written(campaign: Campaign) -> dict[str, object]:
    names = set(CampaignForm.base_fields) - {"purpose", "segment", "seen"}
    return {name: getattr(campaign, name) for name in names} | {
        "purpose": campaign.purpose_id,
        "segment": campaign.segment_id or "",
        "seen": campaign.updated_at.isoformat(),
    }


def _too_late(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    messages.error(request, _("This campaign is no longer a draft. Copy it to write a new one."))
    return redirect("campaign", campaign_id)


def _saved(request: HttpRequest, campaign_id: UUID, form: CampaignForm) -> HttpResponse:
    if request.POST.get("then") == "check":
        return redirect("campaign", campaign_id)
    given = form.cleaned_data
    words = {name: given[name] for name in ("mjml", "subject", "preheader")}
    count = len(mail.mistakes(**words))
    text = ngettext(
        "Saved. %(count)s thing to put right before the launch.",
        "Saved. %(count)s things to put right before the launch.",
        count,
    )
    messages.success(request, text % {"count": count} if count else _("The campaign is saved."))
    return redirect("campaign-edit", campaign_id)


@require_POST
@staff_page(*WRITERS)
def campaign_copy(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    old = get_object_or_404(Campaign, id=campaign_id)
    name = _("Copy of %(name)s") % {"name": old.name}
    actor_id, now = account_of(request).id, timezone.now()
    copied = drafts.copy_campaign(campaign_id=old.id, name=name, actor_id=actor_id, now=now)
    messages.success(request, _("The campaign is copied: this is the copy."))
    return redirect("campaign-edit", copied)
