"""A campaign in words for the second person who agrees to it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignState
from campaigns.planning import agreement
from crm.services import ApprovalKind, Facts, Reference, SegmentUnknown, register_approval_kind

_DECIDABLE = (
    CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.STARTING, CampaignState.FINISHED,
)  # fmt: skip


def _campaigns(references: Sequence[Reference]) -> Mapping[str, Campaign]:
    numbers = {UUID(str(each["campaign"])) for each in references if "campaign" in each}
    rows = Campaign.objects.select_related("purpose", "segment").filter(id__in=numbers)
    return {str(row.id): row for row in rows}


def _describe_all(references: Sequence[Reference]) -> list[Facts]:
    found = _campaigns(references)
    described: list[Facts] = []
    for reference in references:
        row = found.get(str(reference.get("campaign", "")))
        if row is None:
            described.append([(_("What is asked for"), _("This campaign is not there any more."))])
        else:
            described.append(facts_of(reference, row))
    return described


def facts_of(reference: Reference, row: Campaign) -> Facts:
    is_french = (get_language() or "fr") == "fr"
    return [
        (_("Campaign"), row.name),
        (_("Subject"), row.subject),
        (_("What for"), row.purpose.title_fr if is_french else row.purpose.title_en),
        (_("Segment"), row.segment.name if row.segment else _("Every contact")),
        (_("People at most"), str(reference.get("people_at_most", "?"))),
    ]


def _describe(reference: Reference) -> Facts:
    return _describe_all([reference])[0]


def _taken_back(references: Sequence[Reference]) -> list[bool]:
    """Words or rules that changed take the question back: nobody agrees to what is not there."""
    found = _campaigns(references)
    return [_is_over(each, found.get(str(each.get("campaign", "")))) for each in references]


def _is_over(reference: Reference, row: Campaign | None) -> bool:
    if row is None or row.state not in _DECIDABLE:
        return True
    try:
        return agreement.digest(row) != reference.get("digest")
    except SegmentUnknown:
        return True


def register() -> None:
    """Register the kind of request; safe to repeat."""
    register_approval_kind(
        ApprovalKind(
            agreement.KIND,
            gettext_lazy("Sending a large campaign"),
            agreement.DECIDERS,
            _describe,
            askers=("marketing", "communication"),
            describe_all=_describe_all,
            taken_back=_taken_back,
        )
    )
