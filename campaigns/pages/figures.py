"""The account of a campaign as a page shows it: a bar, and lines that add up to the audience."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.accounts import Progress
from campaigns.pages.labels import Line, reason, reason_lines

# The bar is drawn in thousandths: whole numbers look the same in every language.
FULL = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One outcome; `left` and `width` are its place in the bar."""

    code: str
    label: str | Promise
    count: int
    reasons: Sequence[Line] = field(default_factory=list)
    left: int = 0
    width: int = 0


_NAMES: Mapping[str, Promise] = {
    "sent": _("Sent: the relay has them"),
    "bounced": _("Bounced"),
    "skipped": _("Left out at the last moment"),
    "failed": _("Failed"),
    "unknown": _("Unknown"),
    "held": _("Waiting for the A/B test"),
    "open": _("Still to come"),
}
# Outcomes with a single meaning, said where reasons stand for the others.
_MEANINGS: Mapping[str, str | Promise] = {
    "bounced": reason("rejected"),
    "unknown": _("The connection broke while it was handed over: it is not sent again by itself."),
}


def parts(account: Progress) -> list[Part]:
    """Every outcome, zeros too: a line that is missing could hide somebody."""
    counts = {code: account.counts.get(code, 0) for code in _NAMES}
    counts["open"] = account.open - counts["held"]
    if not counts["held"]:  # most campaigns compare nothing
        del counts["held"]
    reasons = {
        "skipped": reason_lines(account.skipped),
        "failed": reason_lines(account.failed),
        **{code: [Line(text, counts[code])] for code, text in _MEANINGS.items() if counts[code]},
    }
    ends = [FULL * sum_ // max(account.audience, 1) for sum_ in accumulate(counts.values())]
    places = zip([0, *ends], ends, strict=False)
    return [
        Part(code, _NAMES[code], count, reasons.get(code, []), left, right - left)
        for (code, count), (left, right) in zip(counts.items(), places, strict=True)
    ]


def is_moving(account: Progress) -> bool:
    """Whether the numbers may still change without anybody pressing a button."""
    held = account.counts["claimed"] + account.counts["handing"] + account.counts["in_doubt"]
    return account.state in ("running", "starting") or held > 0
