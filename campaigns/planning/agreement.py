"""A second person for large campaigns (ASVS 5.0 2.3.5): for exactly these words and these people.

Above ACCORD_CAMPAIGN_APPROVAL_SIZE people nothing is sent that only one person has looked at. The
question carries a digest of the words, the segment's rules and the purpose: whoever changes one of
them asks anew. It is spent in the transaction that freezes the audience, by its real number.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns.brands import look_for
from campaigns.drafts import ChangedMeanwhile
from campaigns.models import Campaign, CampaignState, Comparison, LaunchPlan
from campaigns.moving import refuse_sequence_mail
from crm.services import Account, InvalidRules, decide_approval, opened_segment_rules
from privacy.services import (
    AskedApproval,
    NotApproved,
    NotPending,
    approval,
    request_approval,
    use_approval,
)

KIND = "campaign_launch"
DECIDERS = ("marketing", "communication", "dpo")
# A schedule may lie weeks ahead.
LIVES = timedelta(days=60)
# A dynamic segment grows between the question and the launch; by more it is another question.
GROWTH = 1.2
REFUSALS = ("words", "people", "purpose", "moment", "other")
_WORDS = (
    *("subject", "preheader", "mjml", "language", "sender_name", "sender_address", "reply_to"),
    "purpose_id",
)
_VERSION_WORDS = ("variant", "language", "subject", "preheader", "mjml")
_SETTINGS = ("variants", "sample_percent", "rule", "wait_minutes")


class NeedsAgreement(Exception):
    """A second person has to agree first; the argument is the word that the page explains."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Agreement:
    """The newest request of a campaign. `is_current`: it is about what stands there now."""

    asked: AskedApproval
    people_at_most: int
    is_current: bool
    refusal_reason: str

    def is_waiting(self, now: datetime) -> bool:
        return self.is_current and self.asked.is_waiting(now)

    def holds(self, now: datetime) -> bool:
        asked = self.asked
        is_live = asked.used_at is None and asked.expires_at > now
        return self.is_current and is_live and asked.is_approved is True


def is_needed(*, people: int, plan: LaunchPlan | None) -> bool:
    """Return whether so many people need a second person.

    Those whom earlier rounds wrote to without one count too: many small rounds are a large one.
    """
    alone = plan.sent_alone if plan is not None else 0
    return people > 0 and people + alone > int(settings.CAMPAIGN_APPROVAL_SIZE)


def digest(campaign: Campaign) -> str:
    """Return in one word what an agreement is about. Raises SegmentUnknown."""
    try:
        rules: object = (
            opened_segment_rules(segment_id=campaign.segment_id) if campaign.segment_id else None
        )
    except InvalidRules:  # nothing can be sent with them, and nobody agreed to that
        rules = "invalid"
    versions = campaign.versions.order_by("variant", "language").values(*_VERSION_WORDS)
    compared = Comparison.objects.filter(campaign_id=campaign.id).values(*_SETTINGS).first()
    said = {
        "words": {name: getattr(campaign, name) for name in _WORDS},
        "versions": list(versions),
        "comparison": compared,
        "rules": rules,
        # The footer, the logo and the colours that a brand writes into the mail.
        "looks": [repr(look_for(each)) for each in (campaign.mjml, *(v["mjml"] for v in versions))],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def ask(
    *, campaign_id: UUID, actor_id: UUID, people: int, seen_at: datetime | None = None,
    now: datetime,
) -> UUID:  # fmt: skip
    """Ask for a second person to agree to this campaign for that many people, and a fifth more.

    A later question takes the place of an earlier one. Raises ChangedMeanwhile where the campaign
    is no longer the one that was read, and SegmentUnknown.
    """
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        refuse_sequence_mail(campaign)
        if seen_at not in (None, campaign.updated_at):
            raise ChangedMeanwhile
        plan, _is_new = LaunchPlan.objects.get_or_create(campaign_id=campaign_id)
        asked = request_approval(
            kind=KIND,
            reference={
                "campaign": str(campaign_id),
                "digest": digest(campaign),
                "people_at_most": int(people * GROWTH),
                "round": next_round(campaign, plan),
            },
            requested_by=actor_id,
            now=now,
            expires_at=now + LIVES,
        )
        LaunchPlan.objects.filter(campaign_id=campaign_id).update(
            approval_id=asked, refusal_reason=""
        )
    return asked


def next_round(campaign: Campaign, plan: LaunchPlan | None) -> int:
    """Return the round that would be sent next, or is being prepared."""
    if plan is None:
        return 1
    return plan.round + 1 if campaign.state == CampaignState.FINISHED else plan.round


def agreement(*, campaign_id: UUID) -> Agreement | None:
    """Return the newest request of a campaign; None where nobody asked. Raises SegmentUnknown."""
    campaign = Campaign.objects.select_related("plan").get(id=campaign_id)
    plan = plan_of(campaign)
    asked = approval(approval_id=plan.approval_id) if plan and plan.approval_id else None
    if plan is None or asked is None:
        return None
    return Agreement(
        asked=asked,
        people_at_most=int(asked.reference["people_at_most"]),
        is_current=_is_current(campaign, plan, asked.reference),
        refusal_reason=plan.refusal_reason,
    )


def plan_of(campaign: Campaign) -> LaunchPlan | None:
    return LaunchPlan.objects.filter(campaign_id=campaign.id).first()


def _is_current(campaign: Campaign, plan: LaunchPlan, reference: Mapping[str, Any]) -> bool:
    asked_for = (reference["digest"], reference["round"])
    return asked_for == (digest(campaign), next_round(campaign, plan))


def decide(
    *, campaign_id: UUID, approval_id: UUID, account: Account, is_approved: bool,
    reason: str = "", now: datetime,
) -> None:  # fmt: skip
    """Agree to the question that was read, or refuse it for a reason of REFUSALS.

    Raises NotPending (decided, over, asked anew or changed meanwhile; also when repeated),
    SamePerson, and what `decide_approval` raises for a role that does not decide.
    """
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        plan = LaunchPlan.objects.select_for_update().get(campaign_id=campaign_id)
        asked = approval(approval_id=approval_id)
        is_this = plan.approval_id == approval_id and asked is not None
        if asked is None or not is_this or not _is_current(campaign, plan, asked.reference):
            raise NotPending(NotPending.__doc__)
        decide_approval(account=account, approval_id=approval_id, is_approved=is_approved, now=now)
        if not is_approved:
            LaunchPlan.objects.filter(campaign_id=campaign_id).update(refusal_reason=reason)


def spend(*, campaign: Campaign, people: int, now: datetime) -> None:
    """Spend the agreement to send to so many, in the transaction that freezes them.

    Raises NeedsAgreement: approval_missing, approval_outdated (the words or the people are others)
    or approval_outgrown (there are more of them than were agreed to).
    """
    plan = plan_of(campaign)
    if not is_needed(people=people, plan=plan):
        if people:
            LaunchPlan.objects.get_or_create(campaign_id=campaign.id)
            rows = LaunchPlan.objects.filter(campaign_id=campaign.id)
            rows.update(sent_alone=F("sent_alone") + people)
        return
    asked = approval(approval_id=plan.approval_id) if plan and plan.approval_id else None
    if plan is None or asked is None or not asked.is_approved:
        raise NeedsAgreement("approval_missing")
    if not _is_current(campaign, plan, asked.reference):
        raise NeedsAgreement("approval_outdated")
    if int(asked.reference["people_at_most"]) < people:
        raise NeedsAgreement("approval_outgrown")
    try:
        use_approval(approval_id=asked.id, kind=KIND, reference=asked.reference, now=now)
        LaunchPlan.objects.filter(campaign_id=campaign.id).update(sent_alone=0)
    except NotApproved:
        raise NeedsAgreement("approval_missing") from None
