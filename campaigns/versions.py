"""A draft in further languages and variants: each variant is written in every language.

Variant 0 in the campaign's own language stands on the campaign; the others are versions. A change
of any of them is a change of the campaign: nobody launches words that they have not read.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from campaigns.drafts import ChangedMeanwhile, locked_draft
from campaigns.history import Words, is_newer, keep, words_of
from campaigns.models import Campaign, CampaignVersion, DraftState

MOST_VARIANTS = 5


class NoSuchVersion(LookupError):
    """The draft has no such variant, language or state."""


class VersionNotPossible(Exception):
    """The draft has this language or as many variants as it can, or it is the campaign's own."""


def version_of(*, campaign: Campaign, variant: int, language: str) -> Campaign | CampaignVersion:
    """The row that holds these words: the campaign itself, or a version. Raises NoSuchVersion."""
    if (variant, language) == (0, campaign.language):
        return campaign
    row = campaign.versions.filter(variant=variant, language=language).first()
    if row is None:
        raise NoSuchVersion
    return row


def tabs_of(campaign: Campaign) -> list[tuple[int, str]]:
    """Every (variant, language) of a campaign, its own first."""
    keys = {(0, campaign.language), *campaign.versions.values_list("variant", "language")}
    return sorted(keys, key=lambda key: (key[0], key[1] != campaign.language, key[1]))


def add_language(*, campaign_id: UUID, language: str, now: datetime) -> None:
    """Every variant in one more language, beginning with the words of the campaign's own.

    Raises NotADraft, and VersionNotPossible for a language it has, or none of the mails'.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        tabs = tabs_of(campaign)
        known = dict(settings.LANGUAGES)
        if language not in known or language in {each for _variant, each in tabs}:
            raise VersionNotPossible
        variants = [variant for variant, each in tabs if each == campaign.language]
        _add(campaign, [((v, campaign.language), (v, language)) for v in variants], now)


def add_variant(*, campaign_id: UUID, now: datetime) -> int:
    """One more variant in every language, beginning with the words of the first; its number.

    Raises NotADraft, and VersionNotPossible beyond MOST_VARIANTS.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        tabs = tabs_of(campaign)
        fresh = max(variant for variant, _language in tabs) + 1
        if fresh >= MOST_VARIANTS:
            raise VersionNotPossible
        languages = [language for variant, language in tabs if variant == 0]
        _add(campaign, [((0, each), (fresh, each)) for each in languages], now)
    return fresh


def _add(
    campaign: Campaign, pairs: Iterable[tuple[tuple[int, str], tuple[int, str]]], now: datetime
) -> None:
    known = {(each.variant, each.language): words_of(each) for each in campaign.versions.all()}
    known[0, campaign.language] = words_of(campaign)
    CampaignVersion.objects.bulk_create(
        CampaignVersion(
            campaign=campaign, variant=variant, language=language, updated_at=now,
            **asdict(known[source]),
        )
        for source, (variant, language) in pairs
    )  # fmt: skip
    _touch(campaign, now)


def remove_language(*, campaign_id: UUID, language: str, now: datetime) -> None:
    """All variants in a language, with their states. Safe twice.

    Raises NotADraft, and VersionNotPossible for the campaign's own.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        if language == campaign.language:
            raise VersionNotPossible
        campaign.versions.filter(language=language).delete()
        _touch(campaign, now)


def remove_variant(*, campaign_id: UUID, variant: int, now: datetime) -> None:
    """A variant in all languages; those behind it move up, so that no number is missing.

    Raises NotADraft, and VersionNotPossible for the first. Not safe twice: it takes the next one.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        if variant < 1:
            raise VersionNotPossible
        campaign.versions.filter(variant=variant).delete()
        for number in range(variant + 1, MOST_VARIANTS):
            campaign.versions.filter(variant=number).update(variant=number - 1)
        _touch(campaign, now)


def change_version(
    *, campaign_id: UUID, variant: int, language: str, words: Words,
    seen_at: datetime | None = None, actor_id: UUID | None, is_auto: bool = False, now: datetime,
) -> None:  # fmt: skip
    """Replaces the words of one variant in one language, and keeps the state that they are.

    Raises NotADraft, NoSuchVersion, and ChangedMeanwhile as `change_draft`. Safe twice.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        row = version_of(campaign=campaign, variant=variant, language=language)
        if seen_at is not None and is_newer(campaign_id=campaign_id, row=row, seen_at=seen_at):
            raise ChangedMeanwhile
        _write(campaign, row, words, actor_id=actor_id, is_auto=is_auto, now=now)


def _write(
    campaign: Campaign, row: Campaign | CampaignVersion, words: Words, *, actor_id: UUID | None,
    is_auto: bool, now: datetime,
) -> None:  # fmt: skip
    keep(row=row, words=words, actor_id=actor_id, is_auto=is_auto, now=now)
    for name, value in asdict(words).items():
        setattr(row, name, value)
    row.updated_at = now
    row.save(update_fields=[*asdict(words), "updated_at"])
    _touch(campaign, now)


def copy_words(
    *, campaign_id: UUID, source: tuple[int, str], target: tuple[int, str], actor_id: UUID,
    now: datetime,
) -> None:  # fmt: skip
    """The words of one version in the place of another's, which stays a state to go back to.

    Raises NotADraft and NoSuchVersion. Safe twice.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        words = words_of(version_of(campaign=campaign, variant=source[0], language=source[1]))
        row = version_of(campaign=campaign, variant=target[0], language=target[1])
        _write(campaign, row, words, actor_id=actor_id, is_auto=False, now=now)


def restore_state(
    *, campaign_id: UUID, variant: int, language: str, state_id: int, actor_id: UUID,
    now: datetime,
) -> None:  # fmt: skip
    """The words of an earlier state again; what stood until now stays a state to go back to.

    Raises NotADraft and NoSuchVersion. Safe twice.
    """
    with transaction.atomic():
        campaign = locked_draft(campaign_id)
        row = version_of(campaign=campaign, variant=variant, language=language)
        version_id = row.id if isinstance(row, CampaignVersion) else None
        state = DraftState.objects.filter(
            id=state_id, campaign_id=campaign_id, version_id=version_id
        ).first()
        if state is None:
            raise NoSuchVersion
        _write(campaign, row, words_of(state), actor_id=actor_id, is_auto=False, now=now)


def _touch(campaign: Campaign, now: datetime) -> None:
    Campaign.objects.filter(id=campaign.id).update(updated_at=now)
