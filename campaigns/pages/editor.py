"""The page on which a mail is written: as blocks or as code, in each language and variant."""

from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.content.blocks.acts import NoSuchBlock
from campaigns.content.blocks.document import BlocksInvalid, Document
from campaigns.content.blocks.mjml import write
from campaigns.models import Campaign, CampaignMode, CampaignVersion, Sequence
from campaigns.pages import mail
from campaigns.pages.block_acts import Done, acted
from campaigns.pages.given_words import GivenWords, findings_context, given_words
from campaigns.versions import MOST_VARIANTS, tabs_of, version_of

LETTERS = "ABCDE"


def words_context(
    request: HttpRequest, form: Form, document: Document | None
) -> tuple[GivenWords, dict[str, Any]]:
    """What the two halves of an editor need: the words, their findings, and the mail.

    `document` is what is kept: the page begins with it, and the form holds the words once it was
    sent.
    """
    words = given_words(request.POST) if form.is_bound else _kept_words(form, document)
    context = {"form": form, "fields": mail.merge_fields(), **findings_context(words)}
    shown = words.document
    if shown is None and words.problems:
        shown = document
    if shown is not None:
        opened = request.POST.getlist("open") if form.is_bound else []
        context |= Done(document=shown, opened=opened).context()
    context["is_blocks"] = shown is not None
    return words, context


def _kept_words(form: Form, document: Document | None) -> GivenWords:
    names = ("subject", "preheader", "mjml")
    given: dict[str, Any] = {
        name: str(form[name].value() or "").replace("\r\n", "\n") if name in form.fields else ""
        for name in names
    }
    if document is not None:
        given["mjml"] = write(document).mjml
    return GivenWords(document=document, **given)


def after_act(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The same after an act on blocks, for browsers that run no scripts: nothing is saved."""
    try:
        return context | acted(request.POST).context()
    except (BlocksInvalid, NoSuchBlock, ValueError):
        return context


def is_act(request: HttpRequest) -> bool:
    return request.method == "POST" and "do" in request.POST


def editor_page(
    request: HttpRequest, form: Form, row: Campaign | CampaignVersion | None,
    document: Document | None,
) -> HttpResponse:  # fmt: skip
    """The editor of a campaign's own words, of a version's, or of a campaign yet to be saved."""
    _words, context = words_context(request, form, document)
    if is_act(request):
        context = after_act(request, context)
    if row is not None:
        context |= versions_context(row)
    is_wrong = form.is_bound and bool(form.errors) and not is_act(request)
    context["has_errors"] = is_wrong
    return render(request, "campaigns/edit.html", context, status=422 if is_wrong else 200)


def sequence_of(campaign: Campaign | None) -> Sequence | None:
    """The sequence whose mail this is, if it is one's."""
    if campaign is None or campaign.mode != CampaignMode.SEQUENCE:
        return None
    return Sequence.objects.get(versions__mails__campaign=campaign)


def versions_context(row: Campaign | CampaignVersion) -> dict[str, Any]:
    """The campaign of these words, and the tabs to its others."""
    campaign = row.campaign if isinstance(row, CampaignVersion) else row
    key = key_of(row)
    keys = tabs_of(campaign)
    used = {language for _variant, language in keys}
    variants = sorted({variant for variant, _language in keys})
    return {
        "campaign": campaign,
        "sequence": sequence_of(campaign),
        "is_own": not isinstance(row, CampaignVersion),
        "variant": key[0],
        "language": key[1],
        "tabs": [
            {
                "name": tab_name(each, has_variants=len(variants) > 1),
                "url": edit_url(campaign, each),
                "key": f"{each[0]}:{each[1]}",
                "is_current": each == key,
            }
            for each in keys
        ],
        "more_languages": [each for each in settings.LANGUAGES if each[0] not in used],
        "may_add_variant": len(variants) < MOST_VARIANTS,
        "variant_letter": LETTERS[key[0]],
        "frame_url": reverse("campaign-preview", args=[campaign.id])
        + f"?version={key[0]}.{key[1]}",
    }


def shown_version(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """Which of the mails a page shows (`?version=0.fr`), and links to the others."""
    keys = tabs_of(campaign)
    named = {f"{variant}.{language}": (variant, language) for variant, language in keys}
    key = named.get(request.GET.get("version", ""), keys[0])
    words = version_of(campaign=campaign, variant=key[0], language=key[1])
    has_variants = len({variant for variant, _language in keys}) > 1
    return {
        "mail_tabs": [
            (tab_name(each, has_variants=has_variants), f"?version={name}", each == key)
            for name, each in named.items()
        ],
        "mail_query": f"?version={key[0]}.{key[1]}",
        "inbox_subject": mail.filled(words.subject),
        "inbox_preheader": mail.filled(words.preheader),
    }


def key_of(row: Campaign | CampaignVersion) -> tuple[int, str]:
    variant = row.variant if isinstance(row, CampaignVersion) else 0
    return variant, row.language


def tab_name(key: tuple[int, str], *, has_variants: bool) -> str:
    """Its language, and its letter where there are several variants."""
    language = str(dict(settings.LANGUAGES).get(key[1], key[1]))
    if not has_variants:
        return language
    names = {"letter": LETTERS[key[0]], "language": language}
    return _("%(letter)s · %(language)s") % names


def edit_url(campaign: Campaign, key: tuple[int, str]) -> str:
    if key == (0, campaign.language):
        return reverse("campaign-edit", args=[campaign.id])
    return reverse("version-edit", args=[campaign.id, *key])
