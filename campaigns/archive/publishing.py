"""Which campaigns anybody may read: a person says it of each, and may take it back.

The public side has its own table. What it should hold follows from the campaigns at any moment
(`publish_issues`), so an older copy of `intake` mends itself, and nothing has to be undone by hand.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from campaigns.content.compile import parts_of
from campaigns.content.merge import compile_header
from campaigns.delivery.preparing import day_in, salutation
from campaigns.models import Campaign, CampaignState, CompiledContent, PublishedIssue, StateChange

# Whoever was launched has left: a cancelled campaign may have reached thousands all the same, but
# somebody thought better of it.
_SHOWN_STATES = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.FINISHED)
_BATCH = 50


class NotToBePublished(Exception):
    """The campaign was cancelled: it is not shown to anybody."""


def mark_public(
    *, campaign_id: UUID, is_public: bool, actor_id: UUID | None, now: datetime
) -> None:
    """Say whether anybody may read a campaign on the public pages, once it has begun to leave.

    Leaves a line in its history. Safe twice. Raises NotToBePublished and Campaign.DoesNotExist.
    """
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update().only("state", "is_public").get(id=campaign_id)
        )
        if campaign.is_public == is_public:
            return
        if is_public and campaign.state == CampaignState.CANCELLED:
            raise NotToBePublished(NotToBePublished.__doc__)
        Campaign.objects.filter(id=campaign_id).update(is_public=is_public)
        StateChange.objects.create(
            campaign_id=campaign_id,
            at=now,
            actor_id=actor_id,
            from_state=campaign.state,
            to_state=campaign.state,
            reason="made_public" if is_public else "made_private",
        )


def publish_issues() -> None:
    """Make what the public side shows what it should show. Calling twice is safe."""
    shown = Campaign.objects.filter(is_public=True, state__in=_SHOWN_STATES)
    wanted = set(
        CompiledContent.objects.filter(campaign__in=shown, variant=0).values_list(
            "campaign_id", "language"
        )
    )
    there = set(PublishedIssue.objects.values_list("campaign_id", "language"))
    for campaign_id in {key[0] for key in there - wanted}:
        languages = [key[1] for key in there - wanted if key[0] == campaign_id]
        PublishedIssue.objects.filter(campaign_id=campaign_id, language__in=languages).delete()
    missing = sorted(wanted - there)
    for start in range(0, len(missing), _BATCH):
        _publish(missing[start : start + _BATCH])


def _publish(keys: list[tuple[UUID, str]]) -> None:
    contents = CompiledContent.objects.filter(
        campaign_id__in=[key[0] for key in keys], variant=0
    ).select_related("campaign")
    PublishedIssue.objects.bulk_create(
        [_issue(each) for each in contents if (each.campaign_id, each.language) in set(keys)],
        ignore_conflicts=True,
    )


def nobodys_values(content: CompiledContent) -> Mapping[str, str]:
    """The merge fields of a mail that is to nobody: only the fallbacks speak, and what is the same
    for everybody.

    The ways to say no belong to one person's message, so here they lead to a page that says so.
    """
    explained = f"{settings.PUBLIC_URL}/archive/links"
    return {
        "opt_out_url": explained,
        "preferences_url": explained,
        "salutation": salutation("", content.language),
        "today": day_in(content.language, _left_at(content)),
        "campaign_name": content.campaign.name,
    }


def _left_at(content: CompiledContent) -> datetime:
    return content.campaign.launched_at or content.compiled_at


def _issue(content: CompiledContent) -> PublishedIssue:
    parts = parts_of(html=content.html, text=content.text, subject=content.subject)
    values = nobodys_values(content)
    return PublishedIssue(
        campaign_id=content.campaign_id,
        language=content.language,
        subject=_line(content.subject, values),
        summary=_line(_summary(content), values),
        html=_in_a_frame(parts.html.render_bare(values)),
        text=parts.text.render_bare(values),
        sent_at=_left_at(content),
    )


def _in_a_frame(html: str) -> str:
    """Links of a framed mail open beside it: most sites refuse to be framed."""
    head = html.find("<head>")
    if head < 0:
        return html
    at = head + len("<head>")
    return f'{html[:at]}<base target="_blank">{html[at:]}'


def _summary(content: CompiledContent) -> str:
    campaign = content.campaign
    if content.language == campaign.language:
        return campaign.preheader
    words = campaign.versions.filter(variant=0, language=content.language).only("preheader")
    return next((each.preheader for each in words), "")


def _line(text: str, values: Mapping[str, str]) -> str:
    """A line for nobody: "Hello {{ first_name }}, the news" without a hole before its comma."""
    filled = compile_header(text).render(values)
    return " ".join(filled.split()).replace(" ,", ",").replace(" .", ".")[:200]
