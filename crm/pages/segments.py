"""Segments: the list, the builder, its live count, archive and undo."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import purposes
from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.models import Segment
from crm.pages import READERS, WRITERS
from crm.pages.labels import CHANNELS, words
from crm.pages.segment_builder import GroupRow, from_post, from_rules
from crm.segments import store
from crm.segments.rules import FACTS
from crm.segments.store import NameTaken, SegmentUnknown
from crm.segments.waterfall import Waterfall, count_members, waterfall


class SegmentForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the segment a name.")},
    )
    description = FreeTextField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2}),
    )


@require_safe
@staff_page(*READERS)
def segment_list(request: HttpRequest) -> HttpResponse:
    archived = request.GET.get("archived", "")
    context = {
        "segments": store.segments(),
        "may_write": account_of(request).role in WRITERS,
        "archived": _archived(archived),
    }
    return render(request, "crm/segments/list.html", context)


def _archived(number: str) -> Segment | None:
    """Return the segment that was just archived, for the undo."""
    try:
        return Segment.objects.filter(id=UUID(number), archived_at__isnull=False).first()
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def segment_new(request: HttpRequest) -> HttpResponse:
    form = SegmentForm(request.POST or None)
    return _builder(request, form, None, from_rules({}))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*READERS)
def segment_edit(request: HttpRequest, segment_id: UUID) -> HttpResponse:
    """Show a segment; the data protection officer may try rules out, and saves nothing."""
    segment = get_object_or_404(Segment, id=segment_id, archived_at=None)
    initial = {"name": segment.name, "description": segment.description}
    form = SegmentForm(request.POST or None, initial=initial)
    return _builder(request, form, segment, from_rules(segment.rules))


def _builder(
    request: HttpRequest, form: SegmentForm, segment: Segment | None, tree: GroupRow
) -> HttpResponse:
    may_write = account_of(request).role in WRITERS
    is_save = request.POST.get("do") == "save"
    if is_save and not may_write:
        raise PermissionDenied
    if request.method == "POST":
        tree = from_post(request.POST)
    is_right = tree.check(is_strict=is_save)
    if is_save and is_right and form.is_valid():
        done = _save(request, form, segment, tree)
        if done is not None:
            return done
    context = {
        "form": form,
        "shows_errors": is_save,
        "segment": segment,
        "tree": tree,
        "facts": [(fact.name, fact.label) for fact in FACTS.values()],
        "may_write": may_write,
        **_preview(request, tree, is_right=is_right),
    }
    return render(request, _template(request), context)


def _template(request: HttpRequest) -> str:
    """A change of a value redraws the numbers alone, so that typing is never interrupted."""
    if request.headers.get("HX-Request") != "true":
        return "crm/segments/edit.html"
    is_numbers = request.headers.get("HX-Target") == "preview"
    return "crm/segments/_numbers.html" if is_numbers else "crm/segments/_redrawn.html"


def _save(
    request: HttpRequest, form: SegmentForm, segment: Segment | None, tree: GroupRow
) -> HttpResponse | None:
    said, now = {**form.cleaned_data, "rules": tree.node()}, timezone.now()
    try:
        if segment is None:
            store.create_segment(**said, actor_id=account_of(request).id, now=now)
        else:
            store.change_segment(segment_id=segment.id, **said, now=now)
    except NameTaken:
        form.add_error("name", _("Another segment has this name."))
        return None
    except SegmentUnknown:
        messages.error(request, _("This segment was archived meanwhile."))
    else:
        messages.success(request, _("The segment is saved."))
    return redirect("segment-list")


def _preview(request: HttpRequest, tree: GroupRow, *, is_right: bool) -> dict[str, object]:
    known = [
        (f"{one.code}:{channel}", f"{one.title}, {words(CHANNELS, channel)}", one.is_marketing)
        for one in purposes(language=get_language() or "fr")
        for channel in one.channels
    ]
    first = next((value for value, _label, is_marketing in known if is_marketing), "")
    chosen = request.POST.get("purpose", first)
    if chosen not in {value for value, _label, _marketing in known}:
        chosen = ""
    offered = [(value, label) for value, label, _marketing in known]
    answer: dict[str, object] = {"purposes": offered, "purpose": chosen, "is_right": is_right}
    # A page is shown at once; its numbers are asked for by the next request.
    if not is_right or request.method != "POST":
        return answer
    rules, now = tree.node(), timezone.now()
    if not chosen:
        return {**answer, "members": count_members(rules=rules, now=now)}
    code, _colon, channel = chosen.partition(":")
    fall: Waterfall = waterfall(rules=rules, purpose_code=code, channel=channel, now=now)
    return {**answer, "members": fall.members, "waterfall": fall}


@require_POST
@staff_page(*WRITERS)
def segment_archive(request: HttpRequest, segment_id: UUID) -> HttpResponse:
    try:
        store.archive_segment(segment_id=segment_id, now=timezone.now())
    except SegmentUnknown:
        raise Http404 from None
    return redirect(f"{reverse('segment-list')}?archived={segment_id}")


@require_POST
@staff_page(*WRITERS)
def segment_restore(request: HttpRequest, segment_id: UUID) -> HttpResponse:
    try:
        store.restore_segment(segment_id=segment_id)
    except SegmentUnknown:
        raise Http404 from None
    except NameTaken:
        text = _("Another segment was given this name meanwhile: rename that one first.")
        messages.error(request, text)
    else:
        messages.success(request, _("The segment is back."))
    return redirect("segment-list")
