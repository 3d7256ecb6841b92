"""Words in a further language or variant; saving by itself; earlier states; from blocks to code."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import drafts, history, versions
from campaigns.drafts import ChangedMeanwhile, LanguageTaken, NotADraft
from campaigns.history import Words, words_of
from campaigns.models import Campaign, CampaignState, CampaignVersion
from campaigns.pages import WRITERS, writing
from campaigns.pages.editor import (
    edit_url,
    editor_page,
    is_act,
    key_of,
    versions_context,
)
from campaigns.pages.forms import CampaignForm, VersionForm
from campaigns.versions import NoSuchVersion, VersionNotPossible
from crm.services import Account, account_of, staff_page

Row = Campaign | CampaignVersion


def row_of(campaign_id: UUID, variant: int, language: str) -> Row:
    """The words of that address; 404 where there are none."""
    campaign = get_object_or_404(Campaign.objects.select_related("segment"), id=campaign_id)
    try:
        return versions.version_of(campaign=campaign, variant=variant, language=language)
    except NoSuchVersion:
        raise Http404 from None


def is_draft(row: Row) -> bool:
    campaign = row.campaign if isinstance(row, CampaignVersion) else row
    return campaign.state == CampaignState.DRAFT


def back_to(row: Row) -> HttpResponse:
    campaign = row.campaign if isinstance(row, CampaignVersion) else row
    return redirect(edit_url(campaign, key_of(row)))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def version_edit(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    row = row_of(campaign_id, variant, language)
    if not is_draft(row):
        return writing.too_late(request, campaign_id)
    if isinstance(row, Campaign):
        return back_to(row)
    form = VersionForm(request.POST or None, initial=_written(row))
    if request.method == "POST" and not is_act(request) and form.is_valid():
        try:
            keep_words(request, row, form.words(), form.cleaned_data["seen"])
        except NotADraft:
            return writing.too_late(request, campaign_id)
        except ChangedMeanwhile:
            form = _with_warning(request, row)
        else:
            return writing.saved(request, campaign_id, form, edit_url(row.campaign, key_of(row)))
    return editor_page(request, form, row, row.blocks)


def _written(row: CampaignVersion) -> dict[str, Any]:
    mode = "code" if row.blocks is None else "blocks"
    names = ("subject", "preheader", "mjml")
    written: dict[str, Any] = {name: getattr(row, name) for name in names}
    return written | {"mode": mode, "seen": row.updated_at.isoformat()}


def _with_warning(request: HttpRequest, row: CampaignVersion) -> VersionForm:
    given = request.POST.copy()
    given["seen"] = row.updated_at.isoformat()
    form = VersionForm(given)
    form.add_error(None, writing.changed_meanwhile())
    return form


def keep_words(
    request: HttpRequest, row: Row, words: Words, seen_at: Any, *, is_auto: bool = False
) -> Any:
    now = timezone.now()
    campaign_id = row.campaign_id if isinstance(row, CampaignVersion) else row.id
    versions.change_version(
        campaign_id=campaign_id,
        variant=key_of(row)[0],
        language=row.language,
        words=words,
        seen_at=seen_at,
        actor_id=account_of(request).id,
        is_auto=is_auto,
        now=now,
    )
    return now


@require_POST
@staff_page(*WRITERS)
def words_autosave(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    """What the page saves by itself: 200 with the moment, 409 or 422 with why it was not."""
    row = row_of(campaign_id, variant, language)
    form: Any = VersionForm(request.POST)
    if isinstance(row, Campaign):
        form = CampaignForm(request.POST, campaign=row)
    if not form.is_valid():
        text = _("Not saved: an answer needs another look. Save to see which.")
        return JsonResponse({"text": text}, status=422)
    try:
        if isinstance(row, Campaign):
            now = writing.change_own(request, campaign_id, form, is_auto=True)
        else:
            seen = form.cleaned_data["seen"]
            now = keep_words(request, row, form.words(), seen, is_auto=True)
    except LanguageTaken:
        return JsonResponse({"text": writing.language_taken()}, status=422)
    except ChangedMeanwhile:
        text = _("Not saved: somebody else saved this mail meanwhile. Save to see what to do.")
        return JsonResponse({"text": text}, status=409)
    except NotADraft:
        return JsonResponse({"text": _("Not saved: it is no longer a draft.")}, status=409)
    at = date_format(timezone.localtime(now), "TIME_FORMAT")
    text = _("Saved at %(time)s") % {"time": at}
    return JsonResponse({"text": text, "seen": now.isoformat()})


@require_POST
@staff_page(*WRITERS)
def campaign_versions(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Adds or removes a language or a variant: `do` says which, as ``add-language:en``."""
    campaign = get_object_or_404(Campaign, id=campaign_id)
    act, _colon, what = request.POST.get("do", "").partition(":")
    now, key = timezone.now(), (0, campaign.language)
    try:
        if act == "add-language":
            versions.add_language(campaign_id=campaign_id, language=what, now=now)
            key = (0, what)
        elif act == "add-variant":
            key = (versions.add_variant(campaign_id=campaign_id, now=now), campaign.language)
        elif act == "remove-language":
            versions.remove_language(campaign_id=campaign_id, language=what, now=now)
        elif act == "remove-variant" and what.isdecimal():
            versions.remove_variant(campaign_id=campaign_id, variant=int(what), now=now)
    except NotADraft:
        return writing.too_late(request, campaign_id)
    except VersionNotPossible:
        messages.error(request, _("This version cannot be added or removed: look at the tabs."))
    return redirect(edit_url(campaign, key))


@require_POST
@staff_page(*WRITERS)
def words_copy(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    """The words of another version here; what stood here stays among the earlier states."""
    row = row_of(campaign_id, variant, language)
    number, _colon, other = request.POST.get("source", "").partition(":")
    source = row_of(campaign_id, int(number) if number.isdecimal() else -1, other)
    try:
        versions.copy_words(
            campaign_id=campaign_id,
            source=key_of(source),
            target=key_of(row),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except NotADraft:
        return writing.too_late(request, campaign_id)
    messages.success(request, _("The words are copied. Earlier ones are under “Earlier states”."))
    return back_to(row)


@require_safe
@staff_page(*WRITERS)
def words_history(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    row = row_of(campaign_id, variant, language)
    version_id = row.id if isinstance(row, CampaignVersion) else None
    states = history.states(campaign_id=campaign_id, version_id=version_id)
    authors = {state.saved_by for state in states if state.saved_by}
    names = dict(Account.objects.filter(id__in=authors).values_list("id", "username"))
    lines = [(state, names.get(state.saved_by, "") if state.saved_by else "") for state in states]
    context = {**versions_context(row), "lines": lines, "back": edit_url_of(row)}
    return render(request, "campaigns/history.html", context | {"may_restore": is_draft(row)})


def edit_url_of(row: Row) -> str:
    campaign = row.campaign if isinstance(row, CampaignVersion) else row
    return edit_url(campaign, key_of(row))


@require_POST
@staff_page(*WRITERS)
def words_restore(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    row = row_of(campaign_id, variant, language)
    given = request.POST.get("state", "")
    try:
        versions.restore_state(
            campaign_id=campaign_id,
            variant=variant,
            language=language,
            state_id=int(given) if given.isdecimal() else 0,
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except NotADraft:
        return writing.too_late(request, campaign_id)
    except NoSuchVersion:
        messages.error(request, _("This state is no longer kept."))
    else:
        messages.success(request, _("The earlier words are back. What stood here is kept too."))
    return back_to(row)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def words_to_code(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    """From blocks to code, after a warning: there is no way back but the earlier states."""
    row = row_of(campaign_id, variant, language)
    if not is_draft(row):
        return writing.too_late(request, campaign_id)
    if row.blocks is None:
        return back_to(row)
    if request.method == "POST":
        words = words_of(row)
        code = Words(subject=words.subject, preheader=words.preheader, mjml=words.mjml)
        try:
            keep_words(request, row, code, None)
        except (NotADraft, drafts.ChangedMeanwhile):
            return writing.too_late(request, campaign_id)
        messages.success(request, _("This mail is written as code now."))
        return back_to(row)
    context = {**versions_context(row), "back": edit_url_of(row)}
    return render(request, "campaigns/to_code.html", context)
