"""What segments may ask about openings and clicks: of people who agree to be measured, now.

Of anybody else nobody may say whether they open: a rule is neither true nor false of them, so that
neither "opened" nor "never opened" puts them into a segment. The same condition as the figures of
a campaign (sql/results_measured.sql): a pause is no withdrawal. And as there, a message counts only
if it left as a measured one.
"""

from collections.abc import Mapping
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models import Campaign
from campaigns.pages.choices import campaign_choices
from campaigns.pages.labels import STATE_NAMES
from crm.services import (
    CAMPAIGN_NUMBER,
    Fact,
    Kind,
    SegmentUse,
    register_choices,
    register_fact,
    register_segment_uses,
)

USES_MOST = 20

_AGREES = (
    "c.restricted_at IS NULL AND EXISTS"
    " (SELECT 1 FROM consent_refusals('email_measurement', 'email') m"
    " WHERE m.subject_id = c.id AND m.basis = 'A6-1-a'"
    " AND coalesce(nullif(m.refusal, 'on_pause'), '') <= '')"
)
_MEASURED = (
    "EXISTS (SELECT 1 FROM campaigns_delivery d"
    " WHERE d.contact_id = c.id AND d.is_measured AND d.state = 5{which})"
)
_HELD = "EXISTS (SELECT 1 FROM campaigns_measuredmessage h WHERE h.contact_id = c.id AND {what})"
_ANY_CAMPAIGN = f"{_AGREES} AND {_MEASURED.format(which='')}"
_ONE_CAMPAIGN = f"{_AGREES} AND {_MEASURED.format(which=' AND d.campaign_id = %s::uuid')}"


def _campaign_fact(name: str, label: Promise, column: str) -> Fact:
    return Fact(
        name,
        Kind.SET,
        label,
        "engagement",
        _HELD.format(what=f"h.{column} IS NOT NULL AND h.campaign_id = %s::uuid"),
        word=CAMPAIGN_NUMBER,
        is_by_word=True,
        split=_alone,
        known=_ONE_CAMPAIGN,
        allowed=_AGREES,
    )


def _alone(word: str) -> list[object]:
    return [word]


def _event_fact(name: str, label: Promise, column: str) -> Fact:
    return Fact(
        name,
        Kind.EVENT,
        label,
        "engagement",
        _HELD.replace("{what}", f"h.{column} IS NOT NULL AND {{test}}"),
        on=f"h.{column}",
        is_day=True,
        known=_ANY_CAMPAIGN,
        allowed=_AGREES,
    )


FACTS = (
    _campaign_fact("opened_campaign", _("Opened the campaign"), "last_open_on"),
    _campaign_fact("clicked_campaign", _("Clicked in the campaign"), "last_click_on"),
    _event_fact("opened", pgettext_lazy("fact", "Opened a campaign"), "last_open_on"),
    _event_fact("clicked", pgettext_lazy("fact", "Clicked in a campaign"), "last_click_on"),
)


def register() -> None:
    """Make the facts known to segments, and campaigns known as uses of them; twice is once."""
    for fact in FACTS:
        register_fact(fact)
    for name in ("opened_campaign", "clicked_campaign"):
        register_choices(fact=name, provider=campaign_choices)
    register_segment_uses(campaigns_of)


def campaigns_of(segment_id: UUID) -> list[SegmentUse]:
    """Return the newest campaigns of a segment."""
    rows = Campaign.objects.filter(segment=segment_id).order_by("-created_at", "-id")
    states: Mapping[str, str | Promise] = STATE_NAMES
    return [
        SegmentUse(
            _("Campaign"),
            row.name,
            reverse("campaign", args=[row.id]),
            states.get(row.state, row.state),
        )
        for row in rows.only("id", "name", "state", "created_at")[:USES_MOST]
    ]
