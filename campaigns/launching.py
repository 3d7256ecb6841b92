"""From a draft to messages: what must be ready, the frozen mail, the frozen audience."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.brands import look_for
from campaigns.content.compile import Compiled, compile_content
from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.delivery import statements
from campaigns.delivery.statements import Freeze
from campaigns.doorbells import ring_delivery
from campaigns.drafts import ChangedMeanwhile
from campaigns.finishing import finish_campaigns
from campaigns.measurement.links import freeze_links
from campaigns.models import (
    Campaign,
    CampaignMode,
    CampaignState,
    CampaignVersion,
    Comparison,
    CompiledContent,
    DeliveryState,
    LaunchPlan,
    Round,
)
from campaigns.moving import WrongState, note, refuse_sequence_mail
from campaigns.planning.agreement import NeedsAgreement, spend
from campaigns.planning.moments import local_moments
from campaigns.smtp.addresses import BadAddress, has_controls, wire_address
from crm.services import InvalidRules, SegmentUnknown, membership, segment_rules

_GONE = _("The segment is no longer there: choose another.")
# Who agrees to be measured has not agreed to be written to.
NOT_TO_WRITE_FOR = frozenset({"email_measurement"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing to put right before the launch, and where in the template it is (0: elsewhere)."""

    text: str | Promise
    line: int = 0
    column: int = 0


class NotReady(Exception):
    """The campaign cannot be launched as it is; `reasons` says everything to put right."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(f"{len(reasons)} reasons")
        self.reasons = list(reasons)


def _reasons_of(findings: Sequence[Finding]) -> list[Reason]:
    return [Reason(each.message, each.line, each.column) for each in findings]


def compiled(words: Campaign | CampaignVersion) -> Compiled:
    """Return the mail of a campaign's words. Raises NotReady with every finding of the linter."""
    try:
        return compile_content(
            mjml=words.mjml,
            subject=words.subject,
            preheader=words.preheader,
            language=words.language,
            look=look_for(words.mjml),
        )
    except BrokenTemplate as broken:
        raise NotReady(_reasons_of(broken.findings)) from None


# A mail by its variant (0 is the first) and its language.
Mails = dict[tuple[int, str], Compiled]


def _mails(campaign: Campaign, reasons: list[Reason]) -> Mails:
    """Every mail of a campaign; what is wrong with any of them goes to `reasons`."""
    mails: Mails = {}
    words: list[tuple[int, Campaign | CampaignVersion]] = [(0, campaign)]
    words += [(each.variant, each) for each in campaign.versions.order_by("variant", "language")]
    for variant, each in words:
        try:
            mails[variant, each.language] = compiled(each)
        except NotReady as broken:
            reasons += broken.reasons
    return mails


def _audience_rules(campaign: Campaign) -> dict[str, object] | None:
    if campaign.segment_id is None:
        return None
    return segment_rules(segment_id=campaign.segment_id)


def _obstacles(campaign: Campaign) -> list[Reason]:
    found = []
    try:
        wire_address(campaign.sender_address)
    except BadAddress:
        found.append(Reason(_("The sender's address is not one that mail can come from.")))
    try:
        wire_address(campaign.reply_to or campaign.sender_address)
    except BadAddress:
        found.append(Reason(_("The address for answers is not one that mail can go to.")))
    if has_controls(campaign.sender_name + campaign.subject):
        text = _("The subject or the sender's name holds an invisible character: type it anew.")
        found.append(Reason(text))
    purpose = campaign.purpose
    is_message = purpose.code not in NOT_TO_WRITE_FOR and "email" in purpose.channels
    if not purpose.is_marketing or not is_message or purpose.retired_at is not None:
        found.append(Reason(_("Choose a purpose that newsletters may have.")))
    found += _missing_variants(campaign)
    if not settings.ORGANISATION_NAME.strip():
        found.append(Reason(_("The installation does not say which company is writing.")))
    return found


def _missing_variants(campaign: Campaign) -> list[Reason]:
    """A variant without words in the campaign's own language would have nothing to send."""
    compared = Comparison.objects.filter(campaign_id=campaign.id).first()
    if compared is None:
        return []
    written = campaign.versions.filter(language=campaign.language)
    there = set(written.values_list("variant", flat=True))
    text = _("The A/B test compares a variant %(letter)s that has no words yet.")
    return [
        Reason(text % {"letter": "ABCD"[variant]})
        for variant in range(1, compared.variants)
        if variant not in there
    ]


def obstacles(*, campaign_id: UUID, now: datetime) -> list[Reason]:
    """Return everything to put right before the launch: what NotReady would say.

    Changes nothing. Raises Campaign.DoesNotExist.
    """
    try:
        _all, rules = _checked(Campaign.objects.select_related("purpose").get(id=campaign_id))
        _members(rules, now)
    except NotReady as broken:
        return broken.reasons
    return []


def launch(
    *,
    campaign_id: UUID,
    actor_id: UUID | None,
    seen_at: datetime | None = None,
    now: datetime,
) -> int:
    """Freeze the mail and the audience and start sending; return how many messages are planned.

    Raises WrongState unless it is a draft or scheduled (so a second launch plans nothing more),
    NotReady, and ChangedMeanwhile where `updated_at` is no longer `seen_at`: nobody launches
    words they have not read. One transaction: there is never half an audience. Pages begin a
    launch instead and leave the freezing to a worker (campaigns/planning/starting.py).
    """
    with transaction.atomic(using="default"):
        campaign = _locked(campaign_id)
        if campaign.mode != CampaignMode.NEWSLETTER:
            raise WrongState(campaign.mode)
        if campaign.state not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
            raise WrongState(campaign.state)
        if seen_at not in (None, campaign.updated_at):
            raise ChangedMeanwhile
        try:
            return freeze_and_run(campaign=campaign, actor_id=actor_id, now=now)
        except NeedsAgreement:
            text = _("A second person has to agree first: it goes to many people.")
            raise NotReady([Reason(text)]) from None


def _locked(campaign_id: UUID) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("purpose").get(id=campaign_id)


def freeze_and_run(*, campaign: Campaign, actor_id: UUID | None, now: datetime) -> int:
    """Freeze what a campaign of any state sends next, in the caller's transaction, and run it.

    Return how many messages are planned or taken up again. Raises NotReady, NeedsAgreement, and
    WrongState where somebody moved the campaign meanwhile (a cancel does not wait for this); the
    caller's transaction then leaves nothing.
    """
    refuse_sequence_mail(campaign)
    plan = LaunchPlan.objects.filter(campaign_id=campaign.id).first()
    mails, rules = _checked(campaign)
    if plan is None or plan.round == 1:
        _freeze_mails(campaign.id, mails, now)
        planned = _freeze(campaign, rules, Freeze(**_first_round(campaign, plan)), now)
        people = planned
    else:
        planned, people = _freeze_later(campaign, rules, plan, now)
    spend(campaign=campaign, people=people, now=now)
    _run(campaign, planned, people, actor_id, now)
    return people


def _first_round(campaign: Campaign, plan: LaunchPlan | None) -> dict[str, Any]:
    how: dict[str, Any] = {}
    if plan is not None and plan.is_by_local_hour and campaign.scheduled_at is not None:
        how |= {"due_at": campaign.scheduled_at, "zones": local_moments(campaign.scheduled_at)}
    compared = Comparison.objects.filter(campaign_id=campaign.id).first()
    if compared is not None:
        sample = compared.sample_percent / 100
        how |= {"variants": compared.variants, "sample": sample, "rest_state": DeliveryState.HELD}
    return how


def _freeze_later(
    campaign: Campaign, rules: dict[str, object] | None, plan: LaunchPlan, now: datetime
) -> tuple[int, int]:
    """Plan a later round: (newcomers, people). Who was left out is counted anew."""
    taken = statements.retake(
        campaign_id=campaign.id,
        number=plan.round,
        with_failed=plan.with_failed,
        with_unknown=plan.with_unknown,
    )
    campaign.exclusions.all().delete()
    winner = Comparison.objects.filter(campaign_id=campaign.id).values_list("winner", flat=True)
    how = Freeze(round=plan.round, rest_variant=winner.first() or 0)
    newcomers = _freeze(campaign, rules, how, now)
    Round.objects.create(
        campaign_id=campaign.id,
        number=plan.round,
        planned_at=now,
        planned_by=plan.asked_by,
        newcomers=newcomers,
        failed=taken.get(DeliveryState.FAILED, 0),
        unknown=taken.get(DeliveryState.UNKNOWN, 0),
    )
    return newcomers, newcomers + sum(taken.values())


def _run(
    campaign: Campaign, planned: int, people: int, actor_id: UUID | None, now: datetime
) -> None:
    moved = Campaign.objects.filter(id=campaign.id, state=campaign.state).update(
        state=CampaignState.RUNNING,
        launched_at=campaign.launched_at or now,
        finished_at=None,
        updated_at=now,
        audience_size=(campaign.audience_size or 0) + planned,
        halted_reason="",
    )
    if not moved:
        raise WrongState
    note(campaign.id, campaign.state, CampaignState.RUNNING, actor_id, now)
    if people:
        transaction.on_commit(partial(ring_delivery, campaign.id), robust=True)
    else:
        finish_campaigns(campaign_id=campaign.id, now=now)


def start_sequence_mail(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Freeze a sequence's mail, so that it leaves to whoever comes to its step from now on.

    Raises NotReady, and WrongState unless it is a draft. Inside the caller's transaction.
    """
    campaign = Campaign.objects.select_for_update(of=("self",)).get(
        id=campaign_id, mode=CampaignMode.SEQUENCE
    )
    if campaign.state != CampaignState.DRAFT:
        raise WrongState(campaign.state)
    mails, _rules = _checked(campaign)
    _freeze_mails(campaign_id, mails, now)
    Campaign.objects.filter(id=campaign_id).update(
        state=CampaignState.RUNNING, launched_at=now, updated_at=now, audience_size=0
    )
    note(campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, actor_id, now)


def _freeze_mails(campaign_id: UUID, mails: Mails, now: datetime) -> None:
    CompiledContent.objects.filter(campaign_id=campaign_id).delete()
    CompiledContent.objects.bulk_create(
        CompiledContent(
            campaign_id=campaign_id,
            variant=variant,
            language=language,
            html=mail.html,
            text=mail.text,
            subject=mail.subject,
            fields=mail.fields,
            compiled_at=now,
        )
        for (variant, language), mail in mails.items()
    )
    freeze_links(
        campaign_id=campaign_id,
        pages=[mail.parts().html for _key, mail in sorted(mails.items(), key=itemgetter(0))],
    )


def _checked(campaign: Campaign) -> tuple[Mails, dict[str, object] | None]:
    reasons = _obstacles(campaign)
    rules = None
    try:
        rules = _audience_rules(campaign)
    except SegmentUnknown:
        reasons.append(Reason(_GONE))
    mails = _mails(campaign, reasons)
    if reasons:
        raise NotReady(reasons)
    return mails, rules


def _members(rules: dict[str, object] | None, now: datetime) -> tuple[str, list[Any]]:
    try:
        return membership(rules=rules, now=now)
    except InvalidRules:
        text = _("The segment's rules no longer hold: open it and save it again.")
        raise NotReady([Reason(text)]) from None


def target(campaign: Campaign, now: datetime) -> tuple[str, list[Any]]:
    """Return the statement of a campaign's segment, and its parameters. Raises NotReady."""
    try:
        return _members(_audience_rules(campaign), now)
    except SegmentUnknown:
        raise NotReady([Reason(_GONE)]) from None


def _freeze(campaign: Campaign, rules: dict[str, object] | None, how: Freeze, now: datetime) -> int:
    sql, parameters = _members(rules, now)
    planned, _excluded = statements.freeze_audience(
        campaign_id=campaign.id,
        purpose_code=campaign.purpose_id,
        membership=sql,
        parameters=parameters,
        now=now,
        how=how,
    )
    return planned
