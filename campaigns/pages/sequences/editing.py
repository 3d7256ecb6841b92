"""Writing a sequence: its settings, and its steps one by one. Every act is a form of the page."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.automations import definition as language
from campaigns.automations import versions
from campaigns.automations.checking import problems
from campaigns.automations.definition import Definition, NotASequence, Step, read_definition
from campaigns.models import Sequence, SequenceVersion
from campaigns.pages.sequences import WRITERS
from campaigns.pages.sequences.flow import beginning, flow, version_name
from campaigns.pages.sequences.forms import (
    ActivateForm,
    AddForm,
    SequenceForm,
    SettingsForm,
    first_words,
    has_form,
    language_of_staff,
    step_form,
)
from campaigns.pages.sequences.words import COLOURS, KIND_NAMES, STATES
from crm.services import account_of, choices_of, staff_page

Change = Callable[[Definition, SequenceVersion], Definition]


def _sequence(sequence_id: UUID) -> Sequence:
    rows = Sequence.objects.select_related("purpose", "current")
    return get_object_or_404(rows, id=sequence_id)


def _draft(request: HttpRequest, sequence_id: UUID) -> SequenceVersion | None:
    """The draft, made if need be; None while the sequence is archived."""
    try:
        return versions.draft_of(
            sequence_id=sequence_id, actor_id=account_of(request).id, now=timezone.now()
        )
    except versions.SequenceUnknown:
        raise Http404 from None
    except versions.IsArchived:
        messages.error(request, _("The sequence is archived: restore it before you change it."))
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def sequence_edit(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    """GET shows the draft that there is; POST begins one."""
    sequence = _sequence(sequence_id)
    if request.method == "POST":
        is_begun = _draft(request, sequence_id) is not None
        return redirect("sequence-edit" if is_begun else "sequence", sequence_id)
    draft = sequence.versions.filter(activated_at=None).first()
    if draft is None:
        return redirect("sequence", sequence_id)
    return render(request, "campaigns/sequences/edit.html", _editor(sequence, draft))


def _editor(sequence: Sequence, draft: SequenceVersion) -> dict[str, Any]:
    definition = read_definition(draft.definition)
    found = problems(sequence=sequence, definition=definition, now=timezone.now())
    return {
        "sequence": sequence,
        "state_name": STATES[sequence.state],
        "colour": COLOURS.get(sequence.state, sequence.state),
        "draft": draft,
        "version_name": version_name(draft),
        "beginning": beginning(definition),
        "boxes": flow(definition, found=found),
        "general": [each.text for each in found if not each.step],
        "problem_count": len(found),
        "kinds": KIND_NAMES.items(),
        "activate": ActivateForm(),
        "has_run": sequence.current_id is not None,
        "is_editor": True,
    }


def _changed(
    request: HttpRequest, sequence_id: UUID, change: Change, then: str = ""
) -> HttpResponse:
    """Change the draft; answer with the picture alone where the page asked for it so."""
    sequence = _sequence(sequence_id)
    try:
        draft = versions.change_draft(
            sequence_id=sequence_id,
            change=change,
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except NotASequence as refused:
        messages.error(request, str(refused.reason))
        draft = None
    except versions.IsArchived:
        messages.error(request, _("The sequence is archived: restore it before you change it."))
        return redirect("sequence", sequence_id)
    if then and draft is not None:
        return redirect("sequence-step", sequence_id, then)
    if request.headers.get("HX-Request") and draft is not None:
        return render(request, "campaigns/sequences/_editor.html", _editor(sequence, draft))
    return redirect("sequence-edit", sequence_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def sequence_settings(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    sequence = _sequence(sequence_id)
    draft = sequence.versions.filter(activated_at=None).first()
    if draft is None:
        return redirect("sequence", sequence_id)
    about = {"name": sequence.name, "purpose": sequence.purpose_id}
    initial = SettingsForm.initial_of(read_definition(draft.definition))
    general = SequenceForm(request.POST or None, initial=about)
    form = SettingsForm(request.POST or None, initial=initial)
    if sequence.current_id is not None:
        general.fields["purpose"].disabled = True
    if request.method == "POST" and general.is_valid() and form.is_valid():
        versions.rename(
            sequence_id=sequence_id,
            name=general.cleaned_data["name"],
            purpose_id=general.cleaned_data["purpose"],
            now=timezone.now(),
        )
        held = form.held()
        return _changed(
            request,
            sequence_id,
            lambda before, _version: read_definition({**before.as_json(), **held}),
        )
    context = {
        "sequence": sequence,
        "general": general,
        "form": form,
        "known_tags": choices_of("tag"),
    }
    status = 422 if form.errors or general.errors else 200
    return render(request, "campaigns/sequences/settings.html", context, status=status)


@require_POST
@staff_page(*WRITERS)
def sequence_add(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    """A new step, then the page of what it says."""
    sequence = _sequence(sequence_id)
    form = AddForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    kind, place = form.cleaned_data["kind"], form.cleaned_data["place"]
    draft = _draft(request, sequence_id)
    if draft is None:
        return redirect("sequence", sequence.id)
    key = language.new_key(read_definition(draft.definition))

    def change(before: Definition, version: SequenceVersion) -> Definition:
        says: dict[str, Any] = first_words(kind)
        if kind == "send":
            made = versions.add_mail(
                version=version, step=key, language=language_of_staff(), now=timezone.now()
            )
            says = {"campaign": str(made)}
        return language.with_step(before, place, Step(key, kind, says))

    return _changed(request, sequence_id, change, then=key if has_form(kind) else "")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def sequence_step(request: HttpRequest, sequence_id: UUID, key: str) -> HttpResponse:
    """What one step says."""
    sequence = _sequence(sequence_id)
    draft = sequence.versions.filter(activated_at=None).first()
    if draft is None:
        return redirect("sequence", sequence_id)
    definition = read_definition(draft.definition)
    try:
        step = language.find_step(definition, key)
    except NotASequence:
        raise Http404 from None
    if not has_form(step.kind):
        return redirect("sequence-edit", sequence_id)
    form = step_form(step, definition, request.POST or None)
    if request.method == "POST" and form.is_valid():
        says = dict(form.cleaned_data)
        return _changed(request, sequence_id, lambda now, _v: language.with_changed(now, key, says))
    context = {
        "sequence": sequence,
        "step": step,
        "title": KIND_NAMES[step.kind],
        "form": form,
        "known_tags": choices_of("tag"),
    }
    status = 422 if form.errors else 200
    return render(request, "campaigns/sequences/step.html", context, status=status)


@require_POST
@staff_page(*WRITERS)
def sequence_remove(request: HttpRequest, sequence_id: UUID, key: str) -> HttpResponse:
    return _changed(request, sequence_id, lambda now, _v: language.without_step(now, key))


@require_POST
@staff_page(*WRITERS)
def sequence_move(request: HttpRequest, sequence_id: UUID, key: str) -> HttpResponse:
    by = -1 if request.POST.get("by") == "up" else 1
    return _changed(request, sequence_id, lambda now, _v: language.moved(now, key, by))


@require_POST
@staff_page(*WRITERS)
def sequence_discard(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    """The draft goes; what runs stays."""
    sequence = _sequence(sequence_id)
    versions.discard_draft(sequence_id=sequence.id)
    messages.success(request, _("The draft is discarded. The running version is unchanged."))
    return redirect("sequence", sequence_id)
