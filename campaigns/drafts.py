"""Writing campaigns and templates before they are sent. What is launched is never changed here."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from campaigns.models import Campaign, CampaignState, StateChange, Template


class NotADraft(Exception):
    """The campaign was launched or cancelled: its words are no longer anybody's to change."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the campaign after it was read."""


class NoSuchTemplate(LookupError):
    """The template was never there, or is archived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person writes of a campaign."""

    name: str
    purpose_id: str
    segment_id: UUID | None
    language: str
    subject: str
    preheader: str
    sender_name: str
    sender_address: str
    reply_to: str
    mjml: str


def create_draft(*, draft: Draft, actor_id: UUID, now: datetime) -> UUID:
    """Keeps a new campaign as a draft and returns its id. Calling it twice makes two."""
    campaign_id = uuid_utils.compat.uuid7()
    with transaction.atomic():
        Campaign.objects.create(
            id=campaign_id, created_at=now, created_by=actor_id, updated_at=now, **asdict(draft)
        )
        StateChange.objects.create(
            campaign_id=campaign_id,
            at=now,
            actor_id=actor_id,
            from_state="",
            to_state=CampaignState.DRAFT,
        )
    return campaign_id


def change_draft(
    *, campaign_id: UUID, draft: Draft, seen_at: datetime | None = None, now: datetime
) -> None:
    """Replaces the words of a draft. Raises NotADraft; safe twice.

    With `seen_at`, the `updated_at` that the writer read: raises ChangedMeanwhile, and changes
    nothing, where somebody else saved after it.
    """
    drafts = Campaign.objects.filter(id=campaign_id, state=CampaignState.DRAFT)
    as_seen = drafts if seen_at is None else drafts.filter(updated_at=seen_at)
    if as_seen.update(updated_at=now, **asdict(draft)):
        return
    raise ChangedMeanwhile if drafts.exists() else NotADraft


def copy_campaign(*, campaign_id: UUID, name: str, actor_id: UUID, now: datetime) -> UUID:
    """A new draft with the words of another campaign, whatever its state. Twice makes two.

    Raises Campaign.DoesNotExist.
    """
    old = Campaign.objects.get(id=campaign_id)
    fields = (field for field in Draft.__dataclass_fields__ if field != "name")
    words = {field: getattr(old, field) for field in fields}
    return create_draft(draft=Draft(name=name[:120], **words), actor_id=actor_id, now=now)


def create_template(*, name: str, language: str, mjml: str, now: datetime) -> UUID:
    """Keeps a template to write campaigns from. Calling it twice makes two."""
    template_id = uuid_utils.compat.uuid7()
    Template.objects.create(
        id=template_id, name=name, language=language, mjml=mjml, created_at=now, updated_at=now
    )
    return template_id


def change_template(
    *, template_id: UUID, name: str, language: str, mjml: str, now: datetime
) -> None:
    """Replaces a template; campaigns made from it keep their own copy. Raises NoSuchTemplate."""
    current = Template.objects.filter(id=template_id, archived_at=None)
    if not current.update(name=name, language=language, mjml=mjml, updated_at=now):
        raise NoSuchTemplate


def archive_template(*, template_id: UUID, now: datetime) -> None:
    """Takes a template out of the list. Safe twice; campaigns made from it keep their copy."""
    Template.objects.filter(id=template_id, archived_at=None).update(archived_at=now)


def restore_template(*, template_id: UUID) -> None:
    """Puts an archived template back into the list. Safe twice."""
    Template.objects.filter(id=template_id).update(archived_at=None)
