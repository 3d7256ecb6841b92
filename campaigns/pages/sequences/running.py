"""A sequence as it runs: its picture with counts, its brakes, and who is where."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaigns.automations import activating
from campaigns.automations.activating import (
    ChangedMeanwhile,
    NothingToActivate,
    NotReadyToRun,
)
from campaigns.automations.crowds import NeedsAnother, held_since
from campaigns.automations.definition import read_definition
from campaigns.models import Enrolment, EnrolmentState, Sequence, SequenceState, StepMove
from campaigns.moving import WrongState
from campaigns.pages.forms import MomentField
from campaigns.pages.sequences import READERS, WRITERS, words
from campaigns.pages.sequences.flow import beginning, counts_of, flow, version_name
from campaigns.pages.sequences.forms import ActivateForm, uuid_or_none
from crm.services import Account, account_of, profiles, restricted_ids, staff_page

PEOPLE, OLDER = 50, 10


_NEEDS_ANOTHER = gettext_lazy("Somebody else than who activated it has to let it go on.")


def _sequence(sequence_id: UUID) -> Sequence:
    rows = Sequence.objects.select_related("purpose", "current")
    return get_object_or_404(rows, id=sequence_id)


@require_safe
@staff_page(*READERS)
def sequence(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    shown = _sequence(sequence_id)
    draft = shown.versions.filter(activated_at=None).only("number", "updated_at").first()
    may_write = account_of(request).role in WRITERS
    if shown.current is None and may_write and shown.state == "draft":
        return redirect("sequence-edit", sequence_id)
    context = {
        "sequence": shown,
        "state_name": words.STATES[shown.state],
        "colour": words.COLOURS.get(shown.state, shown.state),
        "draft": draft,
        "held_since": held_since(shown.id) if shown.state == SequenceState.PAUSED else None,
        "most_in_a_day": settings.CAMPAIGN_APPROVAL_SIZE,
        "may_write": may_write,
        "history": _history(shown),
        **_running(shown),
    }
    return render(request, "campaigns/sequences/sequence.html", context)


def _running(shown: Sequence) -> dict[str, Any]:
    if shown.current is None:
        return {"boxes": []}
    definition = read_definition(shown.current.definition)
    counts = counts_of(shown.current.id)
    failing = Enrolment.objects.filter(
        sequence=shown, state=EnrolmentState.ACTIVE, reason="step_failed"
    )
    return {
        "version_name": version_name(shown.current),
        "beginning": beginning(definition),
        "boxes": flow(definition, counts=counts),
        "counts": counts,
        "ended": [(words.reason(code), number) for code, number in sorted(counts.ended.items())],
        "is_failing": failing.exists(),
        "older": _older(shown),
    }


def _older(shown: Sequence) -> list[tuple[str, int]]:
    """The versions before the running one that somebody is in, newest first."""
    rows = (
        StepMove.objects.filter(version__sequence=shown)
        .exclude(Q(version=shown.current_id) | Q(step__startswith="="))
        .values("version__number")
        .annotate(inside=Sum("here"))
        .filter(inside__gt=0)
        .order_by("-version__number")
    )
    return [
        (_("Version %(number)s") % {"number": row["version__number"]}, row["inside"])
        for row in rows[:OLDER]
    ]


def _history(shown: Sequence) -> list[dict[str, Any]]:
    changes = list(shown.changes.order_by("-at", "-id")[:50])
    actors = {each.actor_id for each in changes if each.actor_id}
    names = dict(Account.objects.filter(id__in=actors).values_list("id", "username"))
    return [
        {
            "at": each.at,
            "state": words.COLOURS.get(each.to_state, each.to_state),
            "state_name": words.STATES[each.to_state],
            "number": each.version_number,
            "who": names.get(each.actor_id, "") if each.actor_id else "",
        }
        for each in changes
    ]


@require_safe
@staff_page(*READERS)
def sequence_people(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    """Who is where, newest first: whoever reads the names is written down as their reader."""
    shown = _sequence(sequence_id)
    step = request.GET.get("step", "")[:16]
    rows = Enrolment.objects.filter(sequence=shown, state=EnrolmentState.ACTIVE)
    rows = rows.filter(step=step) if step else rows
    after = uuid_or_none(request.GET.get("after", ""))
    last = Enrolment.objects.filter(id=after).first() if after else None
    if last is not None:
        rows = rows.filter(started_at__lte=last.started_at).exclude(
            started_at=last.started_at, id__gte=last.id
        )
    found = list(rows.select_related("version").order_by("-started_at", "-id")[: PEOPLE + 1])
    people = found[:PEOPLE]
    unused = restricted_ids([row.contact_id for row in people])
    known = profiles(contact_ids=[row.contact_id for row in people if row.contact_id not in unused])
    context = {
        "sequence": shown,
        "step": step,
        "lines": [(row, known.get(row.contact_id), row.contact_id in unused) for row in people],
        "may_write": account_of(request).role in WRITERS,
        "has_more": len(found) > PEOPLE,
        "next_url": f"?step={step}&after={people[-1].id}" if people else "",
        "first_url": f"?step={step}" if last else "",
    }
    return render(request, "campaigns/sequences/people.html", context)


@require_POST
@staff_page(*WRITERS)
def sequence_activate(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    shown = _sequence(sequence_id)
    form = ActivateForm(request.POST)
    form.is_valid()
    try:
        activating.activate(
            sequence_id=shown.id,
            moves_people=bool(form.cleaned_data.get("moves_people")),
            seen_at=MomentField(required=False).clean(request.POST.get("seen", "")),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except NotReadyToRun:
        messages.error(request, _("Some things need to be put right first: they are marked."))
        return redirect("sequence-edit", sequence_id)
    except ChangedMeanwhile:
        messages.error(request, _("Somebody else changed the draft meanwhile: look again."))
        return redirect("sequence-edit", sequence_id)
    except (NothingToActivate, WrongState):
        messages.error(request, _("The sequence is in another state meanwhile: look again."))
    except NeedsAnother:
        messages.error(request, _NEEDS_ANOTHER)
    else:
        messages.success(request, _("The sequence is active."))
    return redirect("sequence", sequence_id)


def _moved(
    request: HttpRequest, sequence_id: UUID, verb: Callable[..., None], text: str
) -> HttpResponse:
    _sequence(sequence_id)
    try:
        verb(sequence_id=sequence_id, actor_id=account_of(request).id, now=timezone.now())
    except WrongState:
        messages.error(request, _("The sequence is in another state meanwhile: look again."))
    except NeedsAnother:
        messages.error(request, _NEEDS_ANOTHER)
    else:
        messages.success(request, text)
    return redirect("sequence", sequence_id)


@require_POST
@staff_page(*WRITERS)
def sequence_pause(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    text = _("Paused: nobody enters and nobody goes on. You can let it go on at any time.")
    return _moved(request, sequence_id, activating.pause, text)


@require_POST
@staff_page(*WRITERS)
def sequence_resume(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    return _moved(request, sequence_id, activating.resume, _("The sequence goes on."))


@require_POST
@staff_page(*WRITERS)
def sequence_archive(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    text = _("Archived. Within seven days everybody inside can still go on: restore it for that.")
    return _moved(request, sequence_id, activating.archive, text)


@require_POST
@staff_page(*WRITERS)
def sequence_restore(request: HttpRequest, sequence_id: UUID) -> HttpResponse:
    text = _("The sequence is back. It is paused until you let it go on.")
    return _moved(request, sequence_id, activating.restore, text)
