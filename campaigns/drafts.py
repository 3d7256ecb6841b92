"""Writing campaigns and templates before they are sent. What is launched is never changed here."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from campaigns.content.blocks.document import Document
from campaigns.history import Words, is_newer, keep, words_of
from campaigns.models import Campaign, CampaignState, CampaignVersion, StateChange, Template


class NotADraft(Exception):
    """The campaign was launched or cancelled: its words are no longer anybody's to change."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the campaign after it was read."""


class NoSuchTemplate(LookupError):
    """The template was never there, or is archived."""


class LanguageTaken(Exception):
    """The campaign has a version in this language already: it cannot be its own language too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person writes of a campaign. With `blocks`, `mjml` is what they become."""

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
    blocks: Document | None = None

    def words(self) -> Words:
        return Words(
            subject=self.subject, preheader=self.preheader, mjml=self.mjml, blocks=self.blocks
        )


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
    *, campaign_id: UUID, draft: Draft, seen_at: datetime | None = None, now: datetime,
    actor_id: UUID | None = None, is_auto: bool = False,
) -> None:  # fmt: skip
    """Replaces the words of a draft, and keeps the state that they are. Safe twice.

    Raises NotADraft, and LanguageTaken where a version is in the draft's language. With
    `seen_at`, the moment of the words that the writer read: raises ChangedMeanwhile, and changes
    nothing, where somebody else saved after it.
    """
    with transaction.atomic():
        row = locked_draft(campaign_id)
        if seen_at is not None and is_newer(campaign_id=campaign_id, row=row, seen_at=seen_at):
            raise ChangedMeanwhile
        _change_language(row, draft.language)
        keep(row=row, words=draft.words(), actor_id=actor_id, is_auto=is_auto, now=now)
        Campaign.objects.filter(id=campaign_id).update(updated_at=now, **asdict(draft))


def locked_draft(campaign_id: UUID) -> Campaign:
    """The draft, nobody else's to change until the transaction ends. Raises NotADraft."""
    drafts = Campaign.objects.filter(id=campaign_id, state=CampaignState.DRAFT)
    row = drafts.select_for_update(of=("self",)).first()
    if row is None:
        raise NotADraft
    return row


def _change_language(row: Campaign, language: str) -> None:
    """Its further variants, in what was its language, follow."""
    if language == row.language:
        return
    versions = CampaignVersion.objects.filter(campaign_id=row.id)
    if versions.filter(language=language).exists():
        raise LanguageTaken
    versions.filter(language=row.language).update(language=language)


def copy_campaign(*, campaign_id: UUID, name: str, actor_id: UUID, now: datetime) -> UUID:
    """A new draft with the words of another campaign in all its versions, whatever its state.

    Raises Campaign.DoesNotExist. Calling it twice makes two.
    """
    old = Campaign.objects.get(id=campaign_id)
    fields = (field for field in Draft.__dataclass_fields__ if field != "name")
    words = {field: getattr(old, field) for field in fields}
    with transaction.atomic():
        copied = create_draft(draft=Draft(name=name[:120], **words), actor_id=actor_id, now=now)
        CampaignVersion.objects.bulk_create(
            CampaignVersion(
                campaign_id=copied,
                variant=each.variant,
                language=each.language,
                updated_at=now,
                **asdict(words_of(each)),
            )
            for each in old.versions.all()
        )
    return copied


def create_template(
    *, name: str, language: str, mjml: str, blocks: Document | None = None, now: datetime
) -> UUID:
    """Keeps a template to write campaigns from. Calling it twice makes two."""
    template_id = uuid_utils.compat.uuid7()
    Template.objects.create(
        id=template_id, name=name, language=language, mjml=mjml, blocks=blocks, created_at=now,
        updated_at=now,
    )  # fmt: skip
    return template_id


def change_template(
    *, template_id: UUID, name: str, language: str, mjml: str, blocks: Document | None = None,
    now: datetime,
) -> None:  # fmt: skip
    """Replaces a template; campaigns made from it keep their own copy. Raises NoSuchTemplate."""
    current = Template.objects.filter(id=template_id, archived_at=None)
    words = {"name": name, "language": language, "mjml": mjml, "blocks": blocks}
    if not current.update(updated_at=now, **words):
        raise NoSuchTemplate


def archive_template(*, template_id: UUID, now: datetime) -> None:
    """Takes a template out of the list. Safe twice; campaigns made from it keep their copy."""
    Template.objects.filter(id=template_id, archived_at=None).update(archived_at=now)


def restore_template(*, template_id: UUID) -> None:
    """Puts an archived template back into the list. Safe twice."""
    Template.objects.filter(id=template_id).update(archived_at=None)
