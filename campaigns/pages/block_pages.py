"""Blocks that the team keeps under a name: list, write, archive; copied into mails by hand."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import saved_blocks
from campaigns.brands import look_for
from campaigns.content.compile import compile_content
from campaigns.content.findings import BrokenTemplate
from campaigns.models import SavedBlock
from campaigns.pages import READERS, WRITERS, mail
from campaigns.pages.forms import code_field, proper_name, text_input
from crm.services import FreeTextField, account_of, staff_page

_EXAMPLE = """<mj-section background-color="brand-tint" padding="24px 32px">
  <mj-column>
    <mj-text>Write here what your team says often.</mj-text>
  </mj-column>
</mj-section>
"""
# For looking at a block by itself; a mail has its own foot.
_FOOT = (
    '<mj-section padding="0"><mj-column><mj-text font-size="1px" line-height="1px" padding="0">'
    '<a href="{{ opt_out_url }}">-</a></mj-text></mj-column></mj-section>'
)


class BlockForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name of the block"),
        max_length=120,
        widget=text_input(),
        validators=[proper_name],
    )
    mjml = code_field()

    def clean_mjml(self) -> str:
        """What is kept is used by others: unlike a draft it may not be broken."""
        mjml = str(self.cleaned_data["mjml"])
        if not mjml.strip():
            raise forms.ValidationError(_("Write at least one <mj-section>."))
        for each in saved_blocks.findings_of(mjml)[:10]:
            text = _("Line %(line)s: %(message)s")
            self.add_error("mjml", text % {"line": each.line, "message": each.message})
        return mjml


@require_safe
@staff_page(*READERS)
def block_list(request: HttpRequest) -> HttpResponse:
    context = {
        "blocks": SavedBlock.objects.filter(archived_at=None).order_by("name", "id")[:200],
        "archived": SavedBlock.objects.exclude(archived_at=None).order_by("-archived_at")[:50],
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/blocks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def block_new(request: HttpRequest) -> HttpResponse:
    form = BlockForm(request.POST or None, initial={"mjml": _EXAMPLE})
    if request.method == "POST" and form.is_valid():
        saved_blocks.create_block(**form.cleaned_data, now=timezone.now())
        messages.success(request, _("The block is saved."))
        return redirect("block-list")
    return _editor(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def block_edit(request: HttpRequest, block_id: UUID) -> HttpResponse:
    block = get_object_or_404(SavedBlock, id=block_id, archived_at=None)
    form = BlockForm(request.POST or None, initial={"name": block.name, "mjml": block.mjml})
    if request.method == "POST" and form.is_valid():
        saved_blocks.change_block(block_id=block_id, **form.cleaned_data, now=timezone.now())
        messages.success(request, _("The block is saved. Mails that hold a copy keep theirs."))
        return redirect("block-list")
    return _editor(request, form, block)


def _editor(request: HttpRequest, form: BlockForm, block: SavedBlock | None) -> HttpResponse:
    # Not "block": inside of a template that name is the tag's own.
    context = {"form": form, "saved": block}
    return render(request, "campaigns/block.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page(*READERS)
def block_preview(request: HttpRequest, block_id: UUID) -> HttpResponse:
    block = get_object_or_404(SavedBlock, id=block_id)
    try:
        made = compile_content(
            mjml=saved_blocks.whole(block.mjml + _FOOT),
            subject="…",
            preheader="",
            language="fr" if request.LANGUAGE_CODE == "fr" else "en",
            look=look_for(""),
        )
    except BrokenTemplate as broken:
        return mail.broken_preview(broken.findings)
    return mail.preview(made.parts(), view="")


@require_POST
@staff_page(*WRITERS)
def block_archive(request: HttpRequest, block_id: UUID) -> HttpResponse:
    get_object_or_404(SavedBlock, id=block_id)
    saved_blocks.archive_block(block_id=block_id, now=timezone.now())
    messages.success(request, _("The block is archived. Mails that hold a copy keep theirs."))
    return redirect("block-list")


@require_POST
@staff_page(*WRITERS)
def block_restore(request: HttpRequest, block_id: UUID) -> HttpResponse:
    get_object_or_404(SavedBlock, id=block_id)
    saved_blocks.restore_block(block_id=block_id)
    messages.success(request, _("The block is back in the list."))
    return redirect("block-list")
