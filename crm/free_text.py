"""The field of every form of staff that takes words: it refuses the number of a payment card."""

from collections.abc import Callable
from typing import Any

from django import forms

from privacy.services import refuse_card_numbers


class FreeTextField(forms.CharField):
    """A CharField whose text may hold no card number; a test finds forms that use another one."""

    default_validators: list[Callable[[Any], None]] = [refuse_card_numbers]
