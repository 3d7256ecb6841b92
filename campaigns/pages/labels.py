"""The words and colours of states, reasons and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import CampaignState

STATE_NAMES: Mapping[str, Promise] = {
    CampaignState.DRAFT: _("Draft"),
    CampaignState.SCHEDULED: _("Scheduled"),
    CampaignState.RUNNING: _("Sending"),
    CampaignState.PAUSED: _("Paused"),
    CampaignState.FINISHED: _("Finished"),
    CampaignState.CANCELLED: _("Cancelled"),
}
STATE_COLOURS: Mapping[str, str] = {
    CampaignState.DRAFT: "secondary",
    CampaignState.SCHEDULED: "azure",
    CampaignState.RUNNING: "blue",
    CampaignState.PAUSED: "yellow",
    CampaignState.FINISHED: "green",
    CampaignState.CANCELLED: "red",
}
# Why somebody of the segment is not written to: at launch, or at the last moment.
REASONS: Mapping[str, Promise] = {
    "no_permission": _("Never agreed to this purpose, nor was informed of it"),
    "not_confirmed": _("Has not confirmed the address yet"),
    "objected": _("Objected"),
    "withdrawn": _("Took the consent back"),
    "refused": _("Refused"),
    "expired": _("The permission has expired"),
    "suppressed": _("The address is on the suppression list"),
    "restricted": _("Processing is restricted at the person's request"),
    "unreachable": _("The address bounced for good"),
    "no_email": _("Has no e-mail address"),
    "no_address": _("Has no e-mail address"),
    "unreadable": _("The contact's data cannot be read"),
    "erased": _("The contact was erased"),
    "cancelled": _("The campaign was cancelled"),
}
# security: audience = accepted + bounced + skipped + failed + unknown + waiting, always.
OUTCOMES: Mapping[str, tuple[Promise, str]] = {
    "accepted": (_("Accepted by the relay"), "green"),
    "bounced": (_("Bounced"), "orange"),
    "skipped": (_("Left out at the last moment"), "azure"),
    "failed": (_("Failed"), "red"),
    "unknown": (_("Unknown: not sent again"), "purple"),
    "waiting": (_("Waiting"), "secondary"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table of numbers."""

    label: str | Promise
    count: int
    colour: str = "secondary"


def reason(code: str) -> str | Promise:
    """The words of a reason; a code nobody gave words to is shown as it is."""
    return REASONS.get(code, code.replace("_", " "))


def reason_lines(counts: Mapping[str, int]) -> list[Line]:
    """The most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Line(reason(code), count) for code, count in ordered if count]


def outcome_lines(counts: Mapping[str, int]) -> list[Line]:
    """Every outcome, zeros too: a line that is missing could hide somebody."""
    known = [Line(name, counts.get(code, 0), colour) for code, (name, colour) in OUTCOMES.items()]
    return known + [Line(reason(code), counts[code]) for code in counts if code not in OUTCOMES]
