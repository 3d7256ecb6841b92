"""The page of calls: whom staff may call now, and what they were told."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from crm import contacts
from crm.access import account_of, staff_page
from crm.calling import PURPOSE, call_list, note_call
from crm.calling_hours import may_call_consumer, next_calling_time
from crm.contacts import AddressUnknown, ContactUnknown
from crm.pages import WRITERS
from crm.segments import store
from crm.segments.store import SegmentUnknown
from privacy.services import JournalUnreachable

EVERYBODY = "all"


class ListForm(forms.Form):
    """Which list, and from where on; it stands in the address of the page and holds ids alone."""

    segment = forms.ChoiceField(
        label=gettext_lazy("Segment"),
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["segment"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        named = [(str(one.id), one.name) for one in store.segments()]
        field.choices = [("", _("Choose a segment")), (EVERYBODY, _("Everybody")), *named]

    def address(self) -> str:
        """The address of the same list again; without what is not right."""
        self.is_valid()
        kept = {name: str(value) for name, value in self.cleaned_data.items() if value}
        return f"{reverse('call-list')}?{urlencode(kept)}" if kept else reverse("call-list")


class CallForm(forms.Form):
    """Of one call; the number makes a second click harmless."""

    source = forms.UUIDField(widget=forms.HiddenInput)


@require_safe
@staff_page(*WRITERS)
def calls(request: HttpRequest) -> HttpResponse:
    form, now = ListForm(request.GET or None), timezone.now()
    context: dict[str, Any] = {
        "form": form,
        "is_hour": may_call_consumer(now),
        "next_hour": next_calling_time(now),
    }
    if form.is_valid() and form.cleaned_data["segment"]:
        context |= _list(form, now)
    return render(request, "crm/calls/list.html", context)


def _list(form: ListForm, now: Any) -> dict[str, Any]:
    segment, after = form.cleaned_data["segment"], form.cleaned_data["after"]
    try:
        rules = None if segment == EVERYBODY else store.segment_rules(segment_id=UUID(segment))
    except SegmentUnknown:
        raise Http404 from None
    found = call_list(rules=rules, after=after, now=now)
    here = reverse("call-list")
    following = urlencode({"segment": segment, "after": str(found.following)})
    return {
        "segment": segment,
        "after": after or "",
        "found": found,
        "members": found.fall.members,
        "waterfall": found.fall,
        "lines": [(line, uuid4()) for line in found.lines],
        "has_more": found.following is not None,
        "next_url": f"{here}?{following}",
        "first_url": f"{here}?{urlencode({'segment': segment})}" if after else "",
    }


@require_POST
@staff_page(*WRITERS)
def call_made(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    form = _call(request)
    try:
        note_call(
            contact_id=contact_id,
            source_id=form.cleaned_data["source"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except ContactUnknown:
        raise Http404 from None
    messages.success(request, _("The call is noted."))
    return redirect(ListForm(request.POST).address())


@require_POST
@staff_page(*WRITERS)
def call_refused(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Record that a person said no to calls: they leave every list at once."""
    form = _call(request)
    try:
        contacts.record_no(
            contact_id=contact_id,
            purpose_code=PURPOSE,
            source_id=form.cleaned_data["source"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except ContactUnknown:
        raise Http404 from None
    except AddressUnknown:
        messages.error(request, _("The address of this contact cannot be read."))
    except JournalUnreachable:
        text = _("The privacy journal cannot be reached: nothing was recorded. Please try again.")
        messages.error(request, text)
    else:
        messages.success(request, _("The no is recorded. It holds from now on."))
    return redirect(ListForm(request.POST).address())


def _call(request: HttpRequest) -> CallForm:
    form = CallForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    return form
