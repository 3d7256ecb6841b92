"""The words of states, reasons and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import CampaignState
from consent.services import REASONS as REASONS_OF_CONSENT

STATE_NAMES: Mapping[str, Promise] = {
    CampaignState.DRAFT: _("Draft"),
    CampaignState.SCHEDULED: _("Scheduled"),
    CampaignState.RUNNING: _("Sending"),
    CampaignState.PAUSED: _("Paused"),
    CampaignState.FINISHED: _("Finished"),
    CampaignState.CANCELLED: _("Cancelled"),
}
# What the history says where no state changed.
HISTORY_WORDS: Mapping[str, Promise] = {
    "made_public": _("Shown in the archive"),
    "made_private": _("Taken out of the archive"),
}
# Why somebody of the segment is not written to: at the launch, or at the last moment.
_REASONS: Mapping[str, Promise] = {
    **{code: text for code, text in REASONS_OF_CONSENT.items() if not code.startswith("permitted")},
    "no_address": _("There is no e-mail address."),
    "restricted": _("The person asked that their data be left unused."),
    "unreachable": _("The address bounced for good."),
    "too_soon": _("The person asked to hear from us less often."),
    "erased": _("The person was erased after the launch."),
    "unreadable": _("The person's data could not be opened: it was erased, or its key is away."),
    "paused": _("The campaign was paused."),
    "cancelled": _("The campaign was cancelled before this message's turn."),
    "rejected": _("The receiving server refused it for good."),
    "hand_over_unproven": _("The connection broke while it was handed over."),
    "deferred_too_long": _("The receiving server said “later” until it was too late."),
    "connection_lost_too_often": _("The connection to the relay broke at each try."),
    "bad_address": _("The address is not one that mail can go to."),
    "unsafe_header": _("The person's name cannot stand in a mail's header."),
    "missing_value": _("A link of the mail had no address for this person."),
    "marketing": _("The purpose has become marketing: no transactional message is."),
    "no_ground": _("Nobody can tell on what ground it was asked for."),
    "unsafe_body": _("The finished message broke a rule of mail."),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Why a campaign stopped by itself, and what to do."""

    what: str | Promise
    then: str | Promise = ""


_HALTS: Mapping[str, Advice] = {
    "relay_unreachable": Advice(
        _("The mail relay does not answer, so nothing can leave."),
        _(
            "Nothing is lost: sending goes on by itself as soon as the relay answers. If this "
            "lasts, ask whoever runs your mail server to look at it."
        ),
    ),
    "sender_refused": Advice(
        _("The mail relay takes no mail from this sender."),
        _(
            "Nothing is lost and each message is tried again after a pause. Ask whoever runs "
            "your mail server to let this address send, or write the campaign from another."
        ),
    ),
    "journal_behind": Advice(
        _("The privacy journal knows of events that this database does not have yet."),
        _(
            "Somebody's “no” may be among them, so nothing is sent. After a restore, ask your "
            "administrators to replay the journal; sending then goes on by itself."
        ),
    ),
    "journal_unreachable": Advice(
        _("The privacy journal cannot be read."),
        _(
            "Without it nobody can be sure that every “no” is known, so nothing is sent. Ask "
            "your administrators to check the folder of the journal."
        ),
    ),
    "decisions_waiting": Advice(
        _("Opt-outs are waiting that could not be applied yet."),
        _(
            "They come first. Sending goes on by itself once they are applied; if this lasts "
            "for more than a few minutes, ask your administrators to look at the worker."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table of numbers."""

    label: str | Promise
    count: int


def reason(code: str) -> str | Promise:
    """The words of a reason; a code nobody gave words to is shown as it is."""
    return _REASONS.get(code, code.replace("_", " "))


def reason_lines(counts: Mapping[str, int]) -> list[Line]:
    """The most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Line(reason(code), count) for code, count in ordered if count]


def advice(halted_reason: str) -> Advice | None:
    if not halted_reason:
        return None
    return _HALTS.get(halted_reason, Advice(halted_reason.replace("_", " ")))
