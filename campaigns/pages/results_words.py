"""Figures of campaigns in words: lines, shares with their intervals, names of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.accounts import Progress
from campaigns.models import Campaign
from campaigns.pages.figures import Part, parts
from campaigns.pages.labels import reason, reason_lines
from campaigns.pages.returns import KIND_NAMES
from campaigns.results.cells import OTHERS, Cell
from campaigns.results.figures import Figures, Measured
from campaigns.results.intervals import Share
from campaigns.returns.kinds import Why
from crm.services import BASES, LEDGER_STATES, METHODS, STATUS_NAMES

Words = str | Promise

TRAITS: Mapping[str, Words] = {
    "variant": _("Variant"),
    "language": _("Language"),
    "country": _("Country"),
    "status": _("Status"),
}
STATES: Mapping[str, Words] = {"bounced": _("Bounced"), "failed": _("Failed")}


@dataclass(frozen=True, slots=True)
class Rated:
    """A share under its name, as a page and a file show it."""

    label: Words
    share: Share | None

    @property
    def percent(self) -> str:
        return "" if self.share is None else percent(self.share.rate)

    @property
    def thousandths(self) -> str:
        """For a chart; empty where there is nothing to draw."""
        rate = self.share.rate if self.share else None
        return "" if rate is None else str(round(1000 * rate))

    @property
    def interval(self) -> str:
        """From where to where it lies, in 95 of 100 such campaigns."""
        ends = self.share.interval if self.share else None
        if ends is None:
            return ""
        return gettext("%(low)s to %(high)s") % {"low": percent(ends[0]), "high": percent(ends[1])}


def percent(rate: float | None) -> str:
    # Rounded first: number_format cuts off what is behind its last place.
    return "" if rate is None else f"{number_format(round(100 * rate, 1), 1)} %"


def main_shares(figures: Figures) -> list[Rated]:
    """What campaigns are compared by, always in this order."""
    return [
        Rated(_("Bounced, of what was answered"), figures.bounced()),
        Rated(_("Said no afterwards, of what was sent"), figures.opted_out()),
        Rated(_("Complained, of what was sent"), figures.complained()),
        Rated(_("Opened, of those measured"), figures.opened()),
        Rated(_("Followed a link, of those measured"), figures.clicked()),
    ]


# --- the account ---------------------------------------------------------------------------------


def account_of(campaign: Campaign, figures: Figures) -> Progress:
    """The kept figures as an account: it adds up, because it was counted in one statement."""
    excluded = campaign.exclusions.order_by("-contacts").values_list("reason", "contacts")
    return Progress(
        state=campaign.state,
        halted_reason=campaign.halted_reason,
        audience=figures.audience,
        counts=figures.counts,
        skipped=figures.reasons("skipped"),
        failed=figures.reasons("failed"),
        exclusions=dict(excluded),
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
    )


def outcomes(figures: Figures, account: Progress) -> list[Part]:
    """Every outcome with its reasons; of what bounced too, some of which came back later."""
    bounced = reason_lines(figures.reasons("bounced"))
    return [
        replace(part, reasons=bounced) if part.code == "bounced" else part
        for part in parts(account)
    ]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Messages that came to nothing: how, why, and the code that was given."""

    state: Words
    why: Words
    code: str
    messages: int


def refusals(figures: Figures) -> list[Refusal]:
    """The most frequent first."""
    ordered = sorted(figures.codes().items(), key=lambda item: (-item[1], item[0]))
    return [
        Refusal(STATES[state], reason(why), code, messages)
        for (state, why, code), messages in ordered
    ]


@dataclass(frozen=True, slots=True)
class CameBack:
    kind: Words
    why: Words
    status: str
    messages: int


_WHYS: Mapping[str, Words] = {
    Why.UNKNOWN_USER: _("Nobody has this address."),
    Why.DOMAIN_GONE: _("The domain takes no mail."),
    Why.DISABLED: _("The mailbox is closed."),
    Why.FULL: _("The mailbox is full."),
    Why.BLOCKED: _("The receiving server blocked it, because of us or of the message."),
    Why.TOO_LARGE: _("The message is too large."),
    Why.EXPIRED: _("It could not be delivered in time."),
    Why.GREYLISTED: _("The receiving server asked to wait."),
    Why.OTHER: _("Another reason"),
}


def came_back(figures: Figures) -> list[CameBack]:
    """The most frequent first."""
    names: Mapping[str, Words] = {str(kind): words for kind, words in KIND_NAMES.items()}
    return [
        CameBack(
            names.get(each.kind, each.kind), _WHYS.get(each.why, ""), each.status, each.messages
        )
        for each in figures.returned
    ]


def ways_out(figures: Figures) -> list[tuple[Words, int]]:
    ordered = sorted(figures.ways_out().items(), key=lambda item: (-item[1], item[0]))
    return [(METHODS.get(method, method.replace("_", " ")), people) for method, people in ordered]


def grounds(figures: Figures) -> list[tuple[Words, Words, Words, int]]:
    """(basis, event, way, messages); an empty basis is said to be missing."""
    return [
        (
            BASES.get(each.basis, each.basis or _("No event of the ledger")),
            LEDGER_STATES.get(each.event, each.event),
            METHODS.get(each.method, each.method),
            each.messages,
        )
        for each in figures.grounds
    ]


# --- groups --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    name: Words
    people: int
    opened: Rated
    clicked: Rated


def group(name: Words, cell: Cell) -> Group:
    return Group(
        name,
        cell.people,
        Rated(name, Share(cell.opened, cell.people)),
        Rated(name, Share(cell.clicked, cell.people)),
    )


def groups(measured: Measured) -> list[tuple[Words, list[Group]]]:
    """By trait; a trait that puts everybody into one group says nothing and is left out."""
    return [
        (TRAITS[trait], [group(_name(trait, cell.which), cell) for cell in cells])
        for trait, cells in measured.groups.items()
        if len(cells) > 1
    ]


def _name(trait: str, which: str) -> Words:
    if which == OTHERS:
        return _("Others, together")
    if trait == "variant":
        return variant_name(int(which))
    if not which:
        return _("Not given")
    if trait == "language":
        return dict(settings.LANGUAGES).get(which, which)
    return STATUS_NAMES.get(which, which)


def variant_name(number: int) -> str:
    return chr(ord("A") + number)


@dataclass(frozen=True, slots=True)
class VariantLine:
    name: str
    sent: int
    bounced: Rated
    opted_out: Rated


def variant_lines(figures: Figures) -> Sequence[VariantLine]:
    """One line per variant; none where there is only one."""
    if len(figures.variants) < 2:
        return []
    return [
        VariantLine(
            variant_name(number),
            figures.messages("sent", variant=number),
            Rated("", figures.bounced(number)),
            Rated("", figures.opted_out(number)),
        )
        for number in figures.variants
    ]
