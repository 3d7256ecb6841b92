"""The page of one segment: its rules, how many they hold, a few of these, and why one of them.

Every change posts the whole form to the page itself; with htmx a part of it is redrawn.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from consent.services import purposes
from crm.access import account_of, staff_page
from crm.free_text import FreeTextField
from crm.models import Contact, Segment
from crm.pages import READERS, WRITERS
from crm.pages.labels import CHANNELS, STATUS_COLOURS, words
from crm.pages.segment_builder import GroupRow, facts_by_family, from_rules
from crm.pages.segment_explained import contact_of, explained
from crm.pages.segment_form import from_post
from crm.people import profiles
from crm.picking import restricted_ids
from crm.segments import counting, store
from crm.segments.choices import STATUS_NAMES
from crm.segments.counting import WHEN_ASKED, WHILE_TYPING, TooLong, how_many
from crm.segments.explaining import NoSuchMember
from crm.segments.references import refuse_circle
from crm.segments.rules import InvalidRules
from crm.segments.store import NameTaken, SegmentUnknown
from crm.segments.uses import segment_uses

Context = dict[str, object]
# The part of the page that htmx asked for, and what is redrawn of it.
PARTS: Mapping[str, str] = {
    "preview": "crm/segments/_numbers.html",
    "sample": "crm/segments/_sample.html",
    "explanation": "crm/segments/_explanation.html",
}


class SegmentForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=store.NAME_MAX,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the segment a name.")},
    )
    description = FreeTextField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2}),
    )


@sensitive_post_parameters("who")
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def segment_new(request: HttpRequest) -> HttpResponse:
    form = SegmentForm(request.POST or None)
    return _builder(request, form, None, from_rules({}))


@sensitive_post_parameters("who")
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
    is_right = _is_right(tree, segment, is_strict=is_save)
    if is_save and is_right and form.is_valid():
        done = _save(request, form, segment, tree)
        if done is not None:
            return done
    part = request.headers.get("HX-Target", "") if _is_htmx(request) else ""
    context = {
        "form": form,
        "shows_errors": is_save,
        "segment": segment,
        "tree": tree,
        "facts": facts_by_family(),
        "may_write": may_write,
        "is_right": is_right,
        **_purposes(request),
        **_answers(request, tree, part, is_right=is_right),
        "uses": segment_uses(segment_id=segment.id) if segment and not part else [],
    }
    return render(request, _template(request, part), context)


def _is_right(tree: GroupRow, segment: Segment | None, *, is_strict: bool) -> bool:
    if not tree.check(is_strict=is_strict):
        return False
    try:
        refuse_circle(segment_id=segment.id if segment else None, rules=tree.node())
    except InvalidRules as wrong:
        tree.blame(wrong)
        return False
    return True


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _template(request: HttpRequest, part: str) -> str:
    """A change of a value redraws the numbers alone, so that typing is never interrupted."""
    if not _is_htmx(request):
        return "crm/segments/edit.html"
    return PARTS.get(part, "crm/segments/_redrawn.html")


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
    except InvalidRules as wrong:
        # Somebody changed a segment that is named here, since the rules were looked at.
        tree.blame(wrong)
        return None
    except SegmentUnknown:
        messages.error(request, _("This segment was archived meanwhile."))
    else:
        messages.success(request, _("The segment is saved."))
    return redirect("segment-list")


# --- what is shown beside the rules ----------------------------------------------------------


def _purposes(request: HttpRequest) -> Context:
    known = [
        (f"{one.code}:{channel}", f"{one.title}, {words(CHANNELS, channel)}", one.is_marketing)
        for one in purposes(language=get_language() or "fr")
        for channel in one.channels
    ]
    first = next((value for value, _label, is_marketing in known if is_marketing), "")
    chosen = request.POST.get("purpose", first)
    if chosen not in {value for value, _label, _marketing in known}:
        chosen = ""
    return {"purposes": [(value, label) for value, label, _m in known], "purpose": chosen}


def _answers(request: HttpRequest, tree: GroupRow, part: str, *, is_right: bool) -> Context:
    """What was asked for, and no more: a part of the page asks for itself alone."""
    verb, _colon, whom = request.POST.get("do", "").partition(":")
    who = (
        whom if verb == "explain" and whom else request.POST.get("who", request.GET.get("who", ""))
    )
    answer: Context = {"who": request.POST.get("who", "")}
    if not is_right:
        return answer
    rules, now = tree.node(), timezone.now()
    if verb == "sample":
        answer |= _sample(rules, now)
    if verb == "explain" or "who" in request.GET:
        answer |= _explain(who, rules, now)
    # A page is shown at once; its numbers are asked for by the next request.
    if request.method == "POST" and part not in ("sample", "explanation"):
        answer |= _numbers(str(_purposes(request)["purpose"]), rules, now, is_asked=verb == "count")
    return answer


def _numbers(purpose: str, rules: dict[str, Any], now: datetime, *, is_asked: bool) -> Context:
    code, _colon, channel = purpose.partition(":")
    try:
        count = how_many(
            rules=rules,
            purpose_code=code,
            channel=channel,
            patience=WHEN_ASKED if is_asked else WHILE_TYPING,
            now=now,
        )
    except TooLong:
        return {"is_too_long": True}
    return {
        "members": count.members,
        "waterfall": count.waterfall,
        "is_estimate": count.is_estimate,
        "was_asked": is_asked,
    }


def _sample(rules: dict[str, Any], now: datetime) -> Context:
    try:
        numbers = counting.sample(rules=rules, now=now)
    except TooLong:
        return {"sample_is_too_long": True}
    rows, people = Contact.objects.in_bulk(numbers), profiles(contact_ids=numbers)
    lines = [
        {
            "contact": rows[number],
            "profile": people.get(number),
            "status": words(STATUS_NAMES, rows[number].status),
            "colour": STATUS_COLOURS.get(rows[number].status, "secondary"),
        }
        for number in numbers
        if number in rows
    ]
    return {"sample": lines}


def _explain(who: str, rules: dict[str, Any], now: datetime) -> Context:
    if not who.strip():
        return {"explain_error": _("Write the whole e-mail address of a contact.")}
    contact_id = contact_of(who)
    if contact_id is not None and restricted_ids([contact_id]):
        return {"explain_error": _("This person asked that their data be left unused.")}
    try:
        if contact_id is not None:
            found = explained(contact_id=contact_id, rules=rules, now=now)
            return {"explained": found}
    except NoSuchMember:
        pass  # said below, in the words for a person whom nobody knows
    return {"explain_error": _("No contact has this address.")}
