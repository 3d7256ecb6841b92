"""Start, write and copy campaigns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import drafts
from campaigns.brands import brand_sender
from campaigns.content.blocks.ready import ready_mail, ready_mails
from campaigns.content.library import Starter, starter, starters
from campaigns.models import Campaign, CampaignState, Template
from campaigns.pages import WRITERS, mail
from campaigns.pages.editor import editor_page, is_act
from campaigns.pages.forms import CampaignForm, WordsForm
from crm.services import account_of, staff_page


def gallery() -> dict[str, Any]:
    """What to start from: the team's templates, and what came with the program, own language
    first."""
    language = get_language()
    return {
        "templates": Template.objects.filter(archived_at=None).order_by("name", "id"),
        "ready": sorted(ready_mails(), key=lambda each: each.language != language),
        "starters": sorted(starters(), key=lambda each: each.language != language),
    }


@require_safe
@staff_page(*WRITERS)
def campaign_start(request: HttpRequest) -> HttpResponse:
    return render(request, "campaigns/start.html", gallery())


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Begins as blocks, unless it is begun from code."""
    initial = _initial(request.GET.get("from", ""))
    document = initial.pop("blocks", None)
    form = CampaignForm(request.POST or None, initial=initial)
    if request.method == "POST" and not is_act(request) and form.is_valid():
        campaign_id = drafts.create_draft(
            draft=form.draft(), actor_id=account_of(request).id, now=timezone.now()
        )
        return saved(request, campaign_id, form, reverse("campaign-edit", args=[campaign_id]))
    return editor_page(request, form, None, document)


def _initial(source: str) -> dict[str, Any]:
    language = get_language() or "fr"
    initial: dict[str, Any] = {
        "language": language,
        "sender_name": settings.SENDER_NAME,
        "sender_address": settings.SENDER_ADDRESS,
        **brand_sender(),
        "mode": "code",
    }
    ready = ready_mail(source or f"blank.{language}")
    if ready is not None:
        return initial | {"mode": "blocks", "blocks": ready.document, "language": ready.language}
    chosen = starter(source) or _template(source)
    if chosen is None:
        return initial
    initial |= {"mjml": chosen.mjml, "language": chosen.language}
    blocks = getattr(chosen, "blocks", None)
    return initial | ({"mode": "blocks", "blocks": blocks} if blocks else {})


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
        return too_late(request, campaign_id)
    form = CampaignForm(request.POST or None, initial=_written(campaign), campaign=campaign)
    if request.method == "POST" and not is_act(request) and form.is_valid():
        try:
            change_own(request, campaign_id, form)
        except drafts.NotADraft:
            return too_late(request, campaign_id)
        except drafts.LanguageTaken:
            form.add_error("language", language_taken())
        except drafts.ChangedMeanwhile:
            form = _with_warning(request, campaign)
        else:
            return saved(request, campaign_id, form, reverse("campaign-edit", args=[campaign_id]))
    return editor_page(request, form, campaign, campaign.blocks)


def change_own(
    request: HttpRequest, campaign_id: UUID, form: CampaignForm, *, is_auto: bool = False
) -> datetime:
    """The form into the campaign's own words; returns when. Raises what change_draft raises."""
    now = timezone.now()
    drafts.change_draft(
        campaign_id=campaign_id,
        draft=form.draft(),
        seen_at=form.cleaned_data["seen"],
        actor_id=account_of(request).id,
        is_auto=is_auto,
        now=now,
    )
    return now


def language_taken() -> str:
    return _("There is a version in this language already: remove it first, or choose another.")


def _with_warning(request: HttpRequest, campaign: Campaign) -> CampaignForm:
    """The same words, about to replace the newer version if they are saved once more."""
    given = request.POST.copy()
    given["seen"] = campaign.updated_at.isoformat()
    form = CampaignForm(given, campaign=campaign)
    form.add_error(None, changed_meanwhile())
    return form


def changed_meanwhile() -> str:
    return _(
        "Somebody else saved this campaign while you were writing. Your words are still "
        "here: save again to replace theirs."
    )


def _written(campaign: Campaign) -> dict[str, object]:
    names = set(CampaignForm.base_fields) - {"purpose", "segment", "seen", "mode"}
    return {name: getattr(campaign, name) for name in names} | {
        "mode": "code" if campaign.blocks is None else "blocks",
        "purpose": campaign.purpose_id,
        "segment": campaign.segment_id or "",
        "seen": campaign.updated_at.isoformat(),
    }


def too_late(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    messages.error(request, _("This campaign is no longer a draft. Copy it to write a new one."))
    return redirect("campaign", campaign_id)


def saved(request: HttpRequest, campaign_id: UUID, form: WordsForm, url: str) -> HttpResponse:
    """Back to the editor, or on to the check, with what is still to be put right."""
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
    return redirect(url)


@require_POST
@staff_page(*WRITERS)
def campaign_copy(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    old = get_object_or_404(Campaign, id=campaign_id)
    name = _("Copy of %(name)s") % {"name": old.name}
    actor_id, now = account_of(request).id, timezone.now()
    copied = drafts.copy_campaign(campaign_id=old.id, name=name, actor_id=actor_id, now=now)
    messages.success(request, _("The campaign is copied: this is the copy."))
    return redirect("campaign-edit", copied)
