"""The list of sequences, and beginning a new one."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.automations import versions
from campaigns.models import Sequence, SequenceState, StepMove
from campaigns.pages.sequences import READERS, WRITERS
from campaigns.pages.sequences.forms import SequenceForm, uuid_or_none
from campaigns.pages.sequences.words import COLOURS, STATES
from crm.services import account_of, staff_page

# A team has some dozens; whoever has more finds the older ones on further pages.
PAGE_SIZE = 50


@require_safe
@staff_page(*READERS)
def sequence_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    rows = Sequence.objects.select_related("purpose", "current")
    if state in SequenceState.values:
        rows = rows.filter(state=state)
    else:
        state, rows = "", rows.exclude(state=SequenceState.ARCHIVED)
    after = uuid_or_none(request.GET.get("after", ""))
    last = Sequence.objects.filter(id=after).first() if after else None
    # Ids are made in the order of time.
    rows = rows.filter(id__lt=last.id) if last else rows
    found = list(rows.order_by("-id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    inside = _inside(shown)
    context = {
        "lines": [(row, STATES[row.state], COLOURS.get(row.state, row.state), inside.get(row.id, 0))
                  for row in shown],
        "state": state,
        "states": list(STATES.items()),
        "has_more": len(found) > PAGE_SIZE,
        "next_url": f"?state={state}&after={shown[-1].id}" if shown else "",
        "first_url": f"?state={state}" if last else "",
        "may_write": account_of(request).role in WRITERS,
    }  # fmt: skip
    return render(request, "campaigns/sequences/list.html", context)


def _inside(shown: list[Sequence]) -> dict[object, int]:
    """How many people are in each, from the sums: one query for the page."""
    rows = (
        StepMove.objects.filter(version__sequence__in=[row.id for row in shown])
        .exclude(step__startswith="=")
        .values("version__sequence")
        .annotate(people=Sum("here"))
    )
    return {row["version__sequence"]: row["people"] for row in rows}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def sequence_new(request: HttpRequest) -> HttpResponse:
    form = SequenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        sequence_id = versions.create_sequence(
            name=form.cleaned_data["name"],
            purpose_id=form.cleaned_data["purpose"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
        return redirect("sequence-settings", sequence_id)
    status = 422 if form.errors else 200
    return render(request, "campaigns/sequences/new.html", {"form": form}, status=status)
