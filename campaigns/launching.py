"""From a draft to messages: what must be ready, the frozen mail, the frozen audience."""

from collections.abc import Callable, Sequence
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
from campaigns.doorbells import ring_delivery
from campaigns.drafts import ChangedMeanwhile
from campaigns.measurement.links import freeze_links
from campaigns.models import (
    Campaign,
    CampaignMode,
    CampaignState,
    CampaignVersion,
    CompiledContent,
    StateChange,
)
from campaigns.smtp.addresses import BadAddress, has_controls, wire_address
from crm.services import InvalidRules, SegmentUnknown, membership, segment_rules

# Who agrees to be measured has not agreed to be written to.
NOT_TO_WRITE_FOR = frozenset({"email_measurement"})


class WrongState(Exception):
    """The campaign is not in a state from which this can be done; the argument is its state."""


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
    if not settings.ORGANISATION_NAME.strip():
        found.append(Reason(_("The installation does not say which company is writing.")))
    return found


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
    words they have not read. One transaction: there is never half an audience.
    """
    with transaction.atomic(using="default"):
        campaign = (
            Campaign.objects.select_for_update(of=("self",))
            .select_related("purpose")
            .get(id=campaign_id)
        )
        before = campaign.state
        if campaign.mode != CampaignMode.NEWSLETTER:
            raise WrongState(campaign.mode)
        if before not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
            raise WrongState(before)
        if seen_at not in (None, campaign.updated_at):
            raise ChangedMeanwhile
        mails, rules = _checked(campaign)
        _freeze_mails(campaign_id, mails, now)
        planned = _freeze(campaign, rules, now)
        Campaign.objects.filter(id=campaign_id).update(
            state=CampaignState.RUNNING,
            launched_at=now,
            updated_at=now,
            audience_size=planned,
            halted_reason="",
        )
        _note(campaign_id, before, CampaignState.RUNNING, actor_id, now)
        if planned:
            transaction.on_commit(partial(ring_delivery, campaign_id), robust=True)
        else:
            statements.finish(campaign_id=campaign_id, now=now)
    return planned


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
    _note(campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, actor_id, now)


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
        reasons.append(Reason(_("The segment is no longer there: choose another.")))
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


def _freeze(campaign: Campaign, rules: dict[str, object] | None, now: datetime) -> int:
    sql, parameters = _members(rules, now)
    planned, _excluded = statements.freeze_audience(
        campaign_id=campaign.id,
        purpose_code=campaign.purpose_id,
        membership=sql,
        parameters=parameters,
        now=now,
    )
    return planned


def _note(
    campaign_id: UUID, before: str, after: str, actor_id: UUID | None, now: datetime,
    reason: str = "",
) -> None:  # fmt: skip
    StateChange.objects.create(
        campaign_id=campaign_id,
        at=now,
        actor_id=actor_id,
        from_state=before,
        to_state=after,
        reason=reason,
    )


def _move(
    campaign_id: UUID, froms: Sequence[CampaignState], to: CampaignState, actor_id: UUID | None,
    now: datetime, then: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Change the state where the old one still holds; the row lock makes clicks take turns."""
    with transaction.atomic(using="default"):
        before, mode = (
            Campaign.objects.select_for_update().values_list("state", "mode").get(id=campaign_id)
        )
        if mode != CampaignMode.NEWSLETTER:  # its sequence pauses and ends it
            raise WrongState(mode)
        if before == to:
            return
        if before not in froms:
            raise WrongState(before)
        Campaign.objects.filter(id=campaign_id).update(state=to, updated_at=now, halted_reason="")
        _note(campaign_id, before, to, actor_id, now)
        if then is not None:
            then()


def pause(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Stop handing over: what is past its gate (at most a batch per worker) still leaves.

    Raises WrongState. Safe twice.
    """
    _move(campaign_id, [CampaignState.RUNNING], CampaignState.PAUSED, actor_id, now)


def resume(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Go on where it was paused. Raises WrongState. Safe twice."""

    def ring() -> None:
        transaction.on_commit(partial(ring_delivery, campaign_id), robust=True)

    _move(campaign_id, [CampaignState.PAUSED], CampaignState.RUNNING, actor_id, now, ring)


def cancel(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """End a campaign for good; what was not sent is counted as skipped. Raises WrongState.

    Safe twice.
    """
    _move(
        campaign_id,
        [
            CampaignState.DRAFT,
            CampaignState.SCHEDULED,
            CampaignState.RUNNING,
            CampaignState.PAUSED,
        ],
        CampaignState.CANCELLED,
        actor_id,
        now,
        partial(statements.skip_cancelled, campaign_id=campaign_id),
    )
