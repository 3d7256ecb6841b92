"""The visual mode: GrapesJS on a page of its own, with a policy of its own.

It writes style attributes, so its page, and no other, allows inline style. Nothing comes from
outside, and what it gives back is judged by the linter like any code.
"""

from uuid import UUID

from csp.constants import SELF, UNSAFE_INLINE
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.content.visual import expanded, visual_obstacles
from campaigns.drafts import ChangedMeanwhile, NotADraft
from campaigns.history import Words, words_of
from campaigns.pages import WRITERS, writing
from campaigns.pages.editor import versions_context
from campaigns.pages.forms import CodeField, MomentField
from campaigns.pages.version_pages import Row, back_to, edit_url_of, is_draft, keep_words, row_of
from crm.services import staff_page

# The canvas is a frame that the page writes itself, and inherits its policy.
POLICY = {"style-src": [SELF, UNSAFE_INLINE], "frame-src": [SELF, "blob:"]}


class VisualForm(forms.Form):
    mjml = CodeField(strip=False, required=False, max_length=300_000, widget=forms.HiddenInput)
    seen = MomentField(required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def words_visual(
    request: HttpRequest, campaign_id: UUID, variant: int, language: str
) -> HttpResponse:
    row = row_of(campaign_id, variant, language)
    if not is_draft(row):
        return writing.too_late(request, campaign_id)
    if row.blocks is not None:
        messages.error(request, _("This mail is written as blocks. Turn it into code first."))
        return back_to(row)
    if request.method == "POST":
        return _saved(request, campaign_id, row)
    return _page(request, row, row.mjml, row.updated_at.isoformat())


def _saved(request: HttpRequest, campaign_id: UUID, row: Row) -> HttpResponse:
    form = VisualForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(request.path)
    before = words_of(row)
    words = Words(
        subject=before.subject, preheader=before.preheader, mjml=form.cleaned_data["mjml"]
    )
    try:
        keep_words(request, row, words, form.cleaned_data["seen"])
    except NotADraft:
        return writing.too_late(request, campaign_id)
    except ChangedMeanwhile:
        messages.error(request, writing.changed_meanwhile())
        return _page(request, row, words.mjml, row.updated_at.isoformat())
    messages.success(request, _("The mail is saved. Its code is below, with what is to put right."))
    return back_to(row)


def _page(request: HttpRequest, row: Row, mjml: str, seen: str) -> HttpResponse:
    context = {
        **versions_context(row),
        "obstacles": visual_obstacles(mjml),
        "mjml": expanded(mjml),
        "seen": seen,
        "back": edit_url_of(row),
        "in_french": get_language() == "fr",
    }
    response = render(request, "campaigns/visual.html", context)
    response._csp_update = POLICY  # type: ignore[attr-defined]
    return response
