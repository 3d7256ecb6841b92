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
    CampaignState.STARTING: _("Being prepared"),
    CampaignState.RUNNING: _("Sending"),
    CampaignState.PAUSED: _("Paused"),
    CampaignState.FINISHED: _("Finished"),
    CampaignState.CANCELLED: _("Cancelled"),
}
# Why somebody cancelled, or why a campaign did not start: beside the state in the history.
CANCEL_REASONS: Mapping[str, Promise] = {
    "wrong_words": _("The words are wrong"),
    "wrong_people": _("The people are wrong"),
    "wrong_moment": _("The moment is wrong"),
    "not_needed": _("It is not needed any more"),
    "other": _("Another reason"),
}
REFUSALS: Mapping[str, Promise] = {
    "words": _("The words are not right"),
    "people": _("These are not the right people"),
    "purpose": _("The purpose is not the right one"),
    "moment": _("The moment is not right"),
    "other": _("Another reason: talk to whoever asked"),
}
_NOT_STARTED: Mapping[str, Promise] = {
    "not_ready": _("Something was not right at its moment"),
    "approval_missing": _("A second person had not agreed"),
    "approval_outdated": _("It was changed after the agreement"),
    "approval_outgrown": _("It had become many more people than were agreed to"),
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
    "returned": _("It was taken, and came back later."),
    "hand_over_unproven": _("The connection broke while it was handed over."),
    "deferred_too_long": _("The receiving server said “later” until it was too late."),
    "connection_lost_too_often": _("The connection to the relay broke at each try."),
    "provider_refused": _("The provider that sends our mail refused it."),
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


_ASK_ANEW = _("Nothing was sent. Ask for an agreement again, then launch or schedule it.")
_HALTS: Mapping[str, Advice] = {
    "not_ready": Advice(
        _NOT_STARTED["not_ready"],
        _("Nothing was sent. Put right what is named on this page, then launch or schedule it."),
    ),
    "approval_missing": Advice(_NOT_STARTED["approval_missing"], _ASK_ANEW),
    "approval_outdated": Advice(_NOT_STARTED["approval_outdated"], _ASK_ANEW),
    "approval_outgrown": Advice(_NOT_STARTED["approval_outgrown"], _ASK_ANEW),
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
    "no_relay": Advice(
        _("No relay may carry this campaign."),
        _(
            "Every relay is paused, or carries other mail, or does not send for this sender's "
            "domain. Ask whoever runs your mail server to look at the page of the relays."
        ),
    ),
    "relays_at_limit": Advice(
        _("The relays have been given as much as they may for now."),
        _(
            "Nothing is lost and sending goes on by itself when there is room again. The page "
            "of the relays shows their limits."
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


def history_reason(code: str) -> str | Promise:
    """Why a state changed, where that says something; empty otherwise."""
    known: Mapping[str, str | Promise] = {**CANCEL_REASONS, **_NOT_STARTED}
    return known.get(code, "")


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
