"""Answering a lead by mail: begun from a template, looked at, sent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from campaigns.content.findings import BrokenTemplate
from campaigns.delivery.preparing import values_of
from campaigns.models import DeliveryKind
from campaigns.pages.labels import reason
from campaigns.single import templates
from campaigns.single.content import SUBJECT_MAX, TEXT_MAX, NotSendable, SingleContent
from campaigns.single.sending import send_single, thread_of_lead
from campaigns.single.templates import NothingToFillIn, ReplyTemplateUnknown
from campaigns.single.working import why_not_single
from campaigns.smtp.headers import UnsafeHeader
from crm.services import FreeTextField, Profile, account_of, lead_contact, profiles, staff_page

PURPOSE = "reply_to_request"
REPLIERS = ("marketing", "sales", "communication")


class ReplyForm(forms.Form):
    """The words of an answer. Merge fields are filled in before it is shown."""

    subject = FreeTextField(
        label=gettext_lazy("Subject"),
        max_length=SUBJECT_MAX,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the answer a subject.")},
    )
    text = FreeTextField(
        label=gettext_lazy("Text"),
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 12}),
        error_messages={"required": gettext_lazy("Write the answer first.")},
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=settings.LANGUAGES,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    # Made with the page: pressed twice, it is one answer.
    reference = forms.UUIDField(widget=forms.HiddenInput)
    template = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the words for the person; what has no value is an error of its field.

        The form itself keeps the merge fields: what stands in somebody's name is never parsed.
        """
        said: dict[str, str] = {}
        for name in ("subject", "text"):
            words = self.cleaned_data.get(name, "")
            try:
                said[name] = templates.filled(words, values, is_header=name == "subject")
            except NothingToFillIn as missing:
                text = _("This person has no value for %(fields)s: write it out, or leave it away.")
                self.add_error(name, text % {"fields": str(missing)})
            except BrokenTemplate as broken:
                for finding in broken.findings:
                    self.add_error(name, finding.message)
        return said


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*REPLIERS)
def lead_reply(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Write, look, send: the same form each time, and nothing leaves before "send" is pressed."""
    person = _person(lead_id)
    refusal = _refusal(person.contact_id, lead_id)
    values = {**values_of(person), **templates.constants()}
    if request.method != "POST":
        return _page(request, lead_id, person, _begun(request, person), refusal)
    form = ReplyForm(request.POST)
    words = form.filled(values) if form.is_valid() else {}
    if form.errors or refusal:
        return _page(request, lead_id, person, form, refusal, status=422)
    if request.POST.get("do") != "send":
        return _page(request, lead_id, person, form, refusal, preview=words)
    return _send(request, lead_id, person, form, words)


def _person(lead_id: UUID) -> Profile:
    contact_id = lead_contact(lead_id)
    if contact_id is None:
        raise Http404
    return profiles(contact_ids=[contact_id]).get(contact_id, Profile(contact_id))


def _refusal(contact_id: UUID, lead_id: UUID) -> str | None:
    return why_not_single(
        contact_id=contact_id, purpose=PURPOSE, kind=DeliveryKind.REPLY, lead_id=lead_id
    )


def _begun(request: HttpRequest, person: Profile) -> ReplyForm:
    """An empty answer, or one from a template."""
    language = person.language if person.language in dict(settings.LANGUAGES) else "fr"
    initial: dict[str, Any] = {"reference": uuid4(), "language": language}
    try:
        row = templates.reply_template(template_id=UUID(request.GET.get("template", "")))
    except (ValueError, ReplyTemplateUnknown):
        return ReplyForm(initial=initial)
    words = {name: getattr(row, name) for name in ("language", "subject", "text")}
    return ReplyForm(initial={**initial, **words, "template": row.id})


def _page(
    request: HttpRequest,
    lead_id: UUID,
    person: Profile,
    form: ReplyForm,
    refusal: str | None,
    *,
    preview: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "lead_id": lead_id,
        "person": person,
        "refusal": reason(refusal) if refusal else "",
        "templates": templates.reply_templates(),
        "chosen": str(form["template"].value() or ""),
        "reply_to": settings.REPLY_ADDRESS,
        "preview": preview,
        "fields": sorted(templates.FIELDS),
        "sender": f"{settings.SENDER_NAME} <{settings.SENDER_ADDRESS}>",
    }
    return render(request, "campaigns/single/reply.html", context, status=status)


def _send(
    request: HttpRequest, lead_id: UUID, person: Profile, form: ReplyForm, words: Mapping[str, str]
) -> HttpResponse:
    said = form.cleaned_data
    try:
        send_single(
            contact_id=person.contact_id,
            purpose=PURPOSE,
            content=SingleContent(
                subject=words["subject"],
                text=words["text"],
                thread=thread_of_lead(lead_id=lead_id),
            ),
            reference=said["reference"],
            kind=DeliveryKind.REPLY,
            language=said["language"],
            actor_id=account_of(request).id,
            lead_id=lead_id,
            template_id=said["template"],
            now=timezone.now(),
        )
    except (NotSendable, UnsafeHeader):
        form.add_error("subject", _("These words cannot be sent: look for invisible characters."))
        return _page(request, lead_id, person, form, None, status=422)
    messages.success(request, _("The answer is on its way."))
    return redirect("lead", lead_id)
