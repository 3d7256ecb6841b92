"""The last states of a draft, to go back to. Every caller holds the campaign's row locked."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from campaigns.content.blocks.document import Document
from campaigns.models import Campaign, CampaignVersion, DraftState

KEPT = 20
# What the page saves by itself while somebody types becomes one state, not one every few seconds:
# twenty of them would be the last minute.
TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a mail says, in one variant and one language."""

    subject: str
    preheader: str
    mjml: str
    blocks: Document | None = None


def words_of(row: Campaign | CampaignVersion | DraftState) -> Words:
    return Words(subject=row.subject, preheader=row.preheader, mjml=row.mjml, blocks=row.blocks)


def newest(*, campaign_id: UUID, version_id: int | None) -> DraftState | None:
    """The words as they were saved last; None where nothing was saved since they were made."""
    return _states(campaign_id, version_id).first()


def states(*, campaign_id: UUID, version_id: int | None) -> list[DraftState]:
    """Newest first, at most KEPT; the first one is what stands now."""
    return list(_states(campaign_id, version_id).defer("mjml", "blocks")[:KEPT])


def is_newer(*, campaign_id: UUID, row: Campaign | CampaignVersion, seen_at: datetime) -> bool:
    """Say whether somebody saved these words after `seen_at`."""
    version_id = row.id if isinstance(row, CampaignVersion) else None
    last = newest(campaign_id=campaign_id, version_id=version_id)
    return row.updated_at != seen_at if last is None else last.saved_at > seen_at


def keep(
    *, row: Campaign | CampaignVersion, words: Words, actor_id: UUID | None, is_auto: bool,
    now: datetime,
) -> None:  # fmt: skip
    """Note that `words` take the place of what `row` still says; forget the oldest states."""
    version_id = row.id if isinstance(row, CampaignVersion) else None
    campaign_id = row.campaign_id if isinstance(row, CampaignVersion) else row.id
    last = newest(campaign_id=campaign_id, version_id=version_id)
    if last is None:
        last = _insert(campaign_id, version_id, words_of(row), None, row.updated_at)
    if words_of(last) == words:
        DraftState.objects.filter(id=last.id).update(saved_at=now)
    elif _belongs_together(last, actor_id, is_auto, now):
        DraftState.objects.filter(id=last.id).update(saved_at=now, **asdict(words))
    else:
        _insert(campaign_id, version_id, words, actor_id, now, is_auto=is_auto)
        _forget(campaign_id, version_id)


def _states(campaign_id: UUID, version_id: int | None) -> QuerySet[DraftState]:
    rows = DraftState.objects.filter(campaign_id=campaign_id, version_id=version_id)
    return rows.order_by("-saved_at", "-id")


def _belongs_together(
    last: DraftState, actor_id: UUID | None, is_auto: bool, now: datetime
) -> bool:
    same = last.is_auto and is_auto and last.saved_by == actor_id
    return same and now - last.began_at < TOGETHER


def _insert(
    campaign_id: UUID, version_id: int | None, words: Words, actor_id: UUID | None,
    now: datetime, *, is_auto: bool = False,
) -> DraftState:  # fmt: skip
    return DraftState.objects.create(
        campaign_id=campaign_id,
        version_id=version_id,
        began_at=now,
        saved_at=now,
        saved_by=actor_id,
        is_auto=is_auto,
        **asdict(words),
    )


def _forget(campaign_id: UUID, version_id: int | None) -> None:
    kept = list(_states(campaign_id, version_id).values_list("id", flat=True)[:KEPT])
    DraftState.objects.filter(campaign_id=campaign_id, version_id=version_id).exclude(
        id__in=kept
    ).delete()
