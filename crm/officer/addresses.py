"""What is kept for an address: asked by somebody who has the person on the telephone.

The address is posted and shown back, and is never part of an URL or a log.
"""

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from consent.services import KeptNo, kept_for, purposes
from crm.access import staff_page
from crm.pages import labels
from crm.pages.labels import Words, words
from privacy.services import InvalidAddress, normalise_email, normalise_phone

# Whether a no is kept is part of the consent history, which customer service does not see.
ASKERS = ("dpo",)


class AskForm(forms.Form):
    """An e-mail address or a telephone number."""

    address = forms.CharField(
        label=gettext_lazy("E-mail address or telephone number"),
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": gettext_lazy("Write an address or a number.")},
    )

    def kept(self) -> list[KeptNo]:
        """What is kept for what was asked; call it on a form that is valid."""
        text = self.cleaned_data["address"]
        return kept_for(email=text) if "@" in text else kept_for(phone=text)

    def clean_address(self) -> str:
        text: str = self.cleaned_data["address"]
        try:
            return normalise_email(text) if "@" in text else normalise_phone(text)
        except InvalidAddress:
            wrong = _("This is neither an e-mail address nor a telephone number.")
            raise forms.ValidationError(wrong) from None


@dataclass(frozen=True)
class KeptLine:
    kept: KeptNo
    what: Words
    how: Words


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*ASKERS)
def ask_address(request: HttpRequest) -> HttpResponse:
    form = AskForm(request.POST or None)
    context: dict[str, object] = {"form": form}
    if form.is_bound and form.is_valid():
        titles = {one.code: one.title for one in purposes(language=get_language() or "fr")}
        context["asked"] = form.cleaned_data["address"]
        context["lines"] = [
            KeptLine(
                one,
                titles.get(one.purpose_code, labels.EVERYTHING),
                words(labels.METHODS, one.reason),
            )
            for one in form.kept()
        ]
    return render(request, "crm/officer/ask_address.html", context)
