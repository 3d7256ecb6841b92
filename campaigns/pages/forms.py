"""What a person writes of a campaign or a template. A draft may be broken: nothing is lost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.content.blocks.document import BlocksInvalid, words_of
from campaigns.content.blocks.mjml import write
from campaigns.content.lint import LONGEST_SOURCE_BYTES
from campaigns.drafts import Draft
from campaigns.history import Words
from campaigns.launching import NOT_TO_WRITE_FOR
from campaigns.models import Campaign
from campaigns.pages.posted_blocks import posted_document
from campaigns.smtp.addresses import BadAddress, has_controls, wire_address
from consent.services import purposes
from crm.services import FreeTextField, segments
from privacy.services import refuse_card_numbers

Choices = list[tuple[str, Any]]


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", **attributes})


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


def _is_one_line(text: str) -> None:
    if "\n" in text or "\r" in text:
        raise ValidationError(_("Write this on a single line."))


def _is_name(text: str) -> None:
    if has_controls(text):
        raise ValidationError(_("There is an invisible character in this name: type it anew."))


def _is_address(text: str) -> None:
    try:
        wire_address(text)
    except BadAddress:
        raise ValidationError(_("This is not an e-mail address.")) from None


def _address(label: Any, *, required: bool = True, help_text: Any = "") -> Any:
    # Not forms.EmailField: it refuses accents before the @, which mail has allowed since RFC 6531.
    return FreeTextField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=254,
        widget=_text(inputmode="email", spellcheck="false", autocapitalize="off"),
        validators=[_is_address],
    )


def _line(label: Any, help_text: Any) -> Any:
    """May be left empty: what is missing is said before the launch, not before saving."""
    return FreeTextField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=200,
        widget=_text(),
        validators=[_is_one_line],
    )


class MomentField(forms.Field):
    """The exact moment of a version, as a page carries it; a DateTimeField would round it."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValidationError(_("Reload the page: it was changed on the way."))
        return moment


class CodeField(FreeTextField):
    """MJML as it was typed, with one kind of line end: positions are counted in it."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n").replace("\r", "\n")


def _code() -> CodeField:
    return CodeField(
        label=_("MJML code"),
        required=False,
        max_length=LONGEST_SOURCE_BYTES,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "class": "form-control campaigns-code",
                "rows": "30",
                "spellcheck": "false",
                "autocapitalize": "off",
                "wrap": "off",
                "data-campaigns-code": "",
            }
        ),
    )


def _language() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Language of the mail"), choices=settings.LANGUAGES, widget=_select()
    )


def purpose_choices() -> Choices:
    """What a campaign may be for: marketing purposes that mail is a channel of."""
    known = purposes(language=get_language() or "fr")
    return [
        (one.code, one.title)
        for one in known
        if one.is_marketing and "email" in one.channels and one.code not in NOT_TO_WRITE_FOR
    ]


def segment_choices() -> Choices:
    return [("", _("Every contact")), *((str(one.id), one.name) for one in segments())]


class WordsForm(forms.Form):
    """The words of a mail: typed as code, or as blocks (`mode`), which become code."""

    mode = forms.ChoiceField(
        choices=[("code", "code"), ("blocks", "blocks")],
        required=False,
        widget=forms.HiddenInput,
    )
    mjml = _code()

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = {**self.cleaned_data, "blocks": None}
        if given.pop("mode", "") != "blocks":
            return given
        try:
            document = posted_document(self.data)
        except BlocksInvalid as invalid:
            raise ValidationError(list(invalid.problems)) from None
        for text in words_of(document):
            refuse_card_numbers(text)
        return given | {"blocks": document, "mjml": write(document).mjml}


class VersionForm(WordsForm):
    """The words of a campaign in a further language or variant."""

    field_order = ("subject", "preheader", "mode", "mjml", "seen")
    subject = _line(_("Subject"), _("May hold merge fields, such as the first name."))
    preheader = _line(_("Preheader"), _("The line that mail programs show after the subject."))
    seen = MomentField(required=False)

    def words(self) -> Words:
        """Only after is_valid()."""
        names = ("subject", "preheader", "mjml", "blocks")
        return Words(**{name: self.cleaned_data[name] for name in names})


class CampaignForm(WordsForm):
    name = FreeTextField(
        label=_("Name of the campaign"),
        help_text=_("For your team: nobody else sees it."),
        max_length=120,
        widget=_text(),
        validators=[_is_name],
    )
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        help_text=_("Only people who may be written to for it will get the mail."),
        choices=purpose_choices,
        widget=_select(),
    )
    segment = forms.ChoiceField(
        label=_("Segment"), choices=segment_choices, required=False, widget=_select()
    )
    language = _language()
    subject = _line(_("Subject"), _("May hold merge fields, such as the first name."))
    preheader = _line(_("Preheader"), _("The line that mail programs show after the subject."))
    sender_name = FreeTextField(
        label=_("Sender’s name"), max_length=120, widget=_text(), validators=[_is_name]
    )
    sender_address = _address(_("Sender’s address"))
    reply_to = _address(
        _("Answers go to"), required=False, help_text=_("Empty: to the sender’s address.")
    )
    # The version that the writer read, so that nobody overwrites a colleague unknowingly.
    seen = MomentField(required=False)

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if campaign is not None and campaign.segment is not None:
            self._keep_choice("segment", str(campaign.segment_id), campaign.segment.name)

    def _keep_choice(self, name: str, value: str, label: str) -> None:
        """An archived segment stays chosen: the list would quietly fall back to everybody."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        known = list(segment_choices())
        if value not in dict(known):
            archived = _("%(name)s (archived)")
            field.choices = [*known, (value, archived % {"name": label})]

    def draft(self) -> Draft:
        """Only after is_valid()."""
        given = {**self.cleaned_data}
        del given["seen"]
        segment = given.pop("segment")
        return Draft(
            purpose_id=given.pop("purpose"), segment_id=UUID(segment) if segment else None, **given
        )


class TemplateForm(WordsForm):
    name = FreeTextField(
        label=_("Name of the template"), max_length=120, widget=_text(), validators=[_is_name]
    )
    language = _language()


class TestSendForm(forms.Form):
    __test__ = False  # its name would make the test runner collect it

    to = _address(_("Send a test to"))


class LaunchForm(forms.Form):
    """`seen` is the moment of the version that was looked at: no other version is launched."""

    seen = MomentField()
    is_checked = forms.BooleanField(
        label=_("I have read the mail and checked who will receive it."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Confirm that you have read the mail.")},
    )


# The makers of fields, for the other pages of this package.
text_input, address_field, code_field = _text, _address, _code
one_line, proper_name = _is_one_line, _is_name
