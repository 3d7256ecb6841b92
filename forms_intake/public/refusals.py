"""Every way in which a submission is turned away, and what the page and the API say of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from forms_intake.proof_of_work import InvalidProof
from forms_intake.submissions import Invalid, Stale
from privacy.services import IntakeClosed, TooLarge, TooMany


class NotTheType(Exception):
    """The body is not of a type that is read here."""


class Malformed(Exception):
    """The body, or a header that it needs, cannot be read."""


class KeyMissing(Exception):
    """There is no Idempotency-Key, or it is not a UUID."""


class KeyReused(Exception):
    """The Idempotency-Key came before with another body."""


class OriginNotAllowed(Exception):
    """The page that sent this is not one that the form is allowed on."""


class TooQuick(Exception):
    """The form was sent faster than a person writes."""


class ShowAgain(Exception):
    """Nothing says when the form was shown: the person is shown it, to send it once more."""


@dataclass(frozen=True)
class Refusal:
    """An HTTP status, a code for programs, a sentence for people."""

    status: int
    code: str
    sentence: str | Promise


CLOSED = Refusal(
    503,
    "intake_closed",
    _(
        "Something on our side is out of reach, and your answer could not be kept."
        " Please send it again in a minute."
    ),
)
_TOO_LARGE = Refusal(413, "too_large", _("This is too long to be received. Please shorten it."))
REFUSALS: Mapping[type[Exception], Refusal] = {
    NotTheType: Refusal(415, "unsupported_media_type", _("This type of content is not read here.")),
    Malformed: Refusal(400, "malformed", _("What was sent cannot be read.")),
    KeyMissing: Refusal(
        400, "idempotency_key_missing", _("The header Idempotency-Key must hold a UUID.")
    ),
    KeyReused: Refusal(
        422,
        "idempotency_key_reused",
        _("This Idempotency-Key came before with another body. The first one counts."),
    ),
    OriginNotAllowed: Refusal(
        403,
        "origin_not_allowed",
        _("This form does not accept answers from that site. Please send it from this page."),
    ),
    TooQuick: Refusal(
        422, "too_quick", _("That was very quick. Please check your answer and send it again.")
    ),
    ShowAgain: Refusal(
        422, "show_again", _("Please check your answer below and send it once more.")
    ),
    TooMany: Refusal(
        429,
        "too_many",
        _("Too many answers came from your network. Please send yours again in a minute."),
    ),
    Stale: Refusal(
        409,
        "stale_notice",
        _(
            "The form has changed since it was shown to you. Nothing was kept."
            " Please read it again, choose again and send it."
        ),
    ),
    Invalid: Refusal(422, "invalid", _("Please correct what is marked below.")),
    InvalidProof: Refusal(
        422,
        "proof_of_work",
        _("The check that keeps machines out did not succeed. Please send the form again."),
    ),
    TooLarge: _TOO_LARGE,
    IntakeClosed: CLOSED,
}
REFUSED = tuple(REFUSALS)
CLOSED_RETRY_SECONDS = 60


def refusal_of(error: Exception) -> Refusal:
    return REFUSALS[type(error)]


def retry_after(error: Exception) -> int | None:
    """Return after how many seconds it is worth trying again, None when waiting does not help."""
    if isinstance(error, TooMany):
        return error.retry_after
    return CLOSED_RETRY_SECONDS if isinstance(error, IntakeClosed) else None
