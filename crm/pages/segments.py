"""Segments: the list, copies, the archive and its undo, and which of them hold a contact."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.access import account_of, staff_page
from crm.models import Segment
from crm.pages import READERS, WRITERS
from crm.segments import store
from crm.segments.explaining import NoSuchMember, segments_holding
from crm.segments.store import NameTaken, SegmentUnknown


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


@require_safe
@staff_page(*READERS)
def segment_archived(request: HttpRequest) -> HttpResponse:
    context = {
        "segments": store.archived_segments(),
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "crm/segments/archived.html", context)


@require_POST
@staff_page(*WRITERS)
def segment_duplicate(request: HttpRequest, segment_id: UUID) -> HttpResponse:
    segment = get_object_or_404(Segment, id=segment_id)
    copy = store.duplicate_segment(
        segment_id=segment_id,
        name=_("Copy of %(name)s") % {"name": segment.name},
        actor_id=account_of(request).id,
        now=timezone.now(),
    )
    messages.success(request, _("This is the copy: give it a name of its own."))
    return redirect("segment-edit", copy)


@require_safe
@staff_page(*READERS)
def contact_segments(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Which saved segments hold a contact now: a page, or the card on the contact's own."""
    try:
        holding = segments_holding(contact_id=contact_id, now=timezone.now())
    except NoSuchMember:
        raise Http404 from None
    is_card = request.headers.get("HX-Request") == "true"
    template = "crm/contacts/_segments.html" if is_card else "crm/contacts/segments.html"
    return render(request, template, {"contact_id": contact_id, "holding": holding})


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
