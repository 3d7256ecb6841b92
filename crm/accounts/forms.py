"""The questions of the sign-in screens and of the account page."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from crm.models import Account


def _password(autocomplete: str, *, is_first: bool = False) -> forms.PasswordInput:
    attributes: dict[str, Any] = {"class": "form-control", "autocomplete": autocomplete}
    if is_first:
        attributes["autofocus"] = True
    return forms.PasswordInput(attrs=attributes)


def _code(autocomplete: str, **more: str) -> forms.TextInput:
    return forms.TextInput(
        attrs={
            "class": "form-control accord-code",
            "autocomplete": autocomplete,
            "autocapitalize": "characters",
            "spellcheck": "false",
            **more,
        }
    )


class UsernameForm(forms.Form):
    username = forms.CharField(
        label=_("Your username"),
        max_length=64,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={"required": _("Enter your username.")},
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        max_length=1024,
        strip=False,
        widget=_password("current-password", is_first=True),
        error_messages={"required": _("Enter your password.")},
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Six-digit code"),
        max_length=16,
        widget=_code("one-time-code", inputmode="numeric", autofocus=""),
        error_messages={"required": _("Enter the code.")},
    )


class RecoveryCodeForm(forms.Form):
    code = forms.CharField(
        label=_("Recovery code"),
        max_length=32,
        widget=_code("off", placeholder="XXXX-XXXX-XXXX", autofocus=""),
        error_messages={"required": _("Enter a recovery code.")},
    )


class EitherCodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code of your authenticator, or a recovery code"),
        max_length=32,
        widget=_code("one-time-code", autofocus=""),
        error_messages={"required": _("Enter the code.")},
    )


class EnrolmentKeyForm(forms.Form):
    key = forms.CharField(
        label=_("Enrolment key"),
        max_length=64,
        widget=_code("off", autofocus=""),
        error_messages={"required": _("Enter the key that you were given.")},
    )


class PasskeyNameForm(forms.Form):
    name = forms.CharField(
        label=_("A name for this passkey"),
        max_length=60,
        help_text=_("For example the device or the key ring where it is."),
        widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True}),
        error_messages={"required": _("Give the passkey a name.")},
    )


class ConfirmForm(forms.Form):
    """Both factors again, before something of the sign-in itself changes (ASVS 5.0 7.5.1)."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=1024,
        strip=False,
        widget=_password("current-password", is_first=True),
        error_messages={"required": _("Enter your password.")},
    )
    code = forms.CharField(
        label=_("Code of your authenticator, or a recovery code"),
        max_length=32,
        widget=_code("one-time-code"),
        error_messages={"required": _("Enter the code.")},
    )


class NewPasswordForm(forms.Form):
    current = forms.CharField(
        label=_("Current password"),
        max_length=1024,
        strip=False,
        widget=_password("current-password", is_first=True),
        error_messages={"required": _("Enter your password.")},
    )
    new = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        widget=_password("new-password"),
        help_text=_("At least 14 characters. Four or five unusual words make a good one."),
        error_messages={"required": _("Enter a new password.")},
    )
    again = forms.CharField(
        label=_("New password again"),
        max_length=1024,
        strip=False,
        widget=_password("new-password"),
        error_messages={"required": _("Enter the new password again.")},
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.account)
        return new

    def clean(self) -> dict[str, Any]:
        super().clean()
        new, again = self.cleaned_data.get("new"), self.cleaned_data.get("again")
        if new and again and new != again:
            self.add_error("again", _("The two new passwords differ."))
        if new and new == self.cleaned_data.get("current"):
            self.add_error("new", _("The new password is the current one."))
        return self.cleaned_data
