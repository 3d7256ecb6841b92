"""Writing sequences: a draft is changed, an activated version never is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db import transaction

from campaigns.automations.definition import (
    Definition,
    Step,
    campaign_of,
    read_definition,
    trigger_code,
)
from campaigns.content.library import starter
from campaigns.models import (
    Campaign,
    CampaignMode,
    CampaignState,
    CampaignVersion,
    Sequence,
    SequenceMail,
    SequenceState,
    SequenceVersion,
    StateChange,
)

Change = Callable[[Definition], Definition]


class SequenceUnknown(LookupError):
    """There is no such sequence."""


class IsArchived(Exception):
    """The sequence is archived: restore it before you change it."""


def create_sequence(*, name: str, purpose_id: str, actor_id: UUID, now: datetime) -> UUID:
    """Keep a new sequence with an empty draft; return its id. Calling it twice makes two."""
    sequence_id = uuid_utils.compat.uuid7()
    with transaction.atomic():
        sequence = Sequence.objects.create(
            id=sequence_id,
            name=name,
            purpose_id=purpose_id,
            created_at=now,
            created_by=actor_id,
            updated_at=now,
        )
        _new_version(sequence, 1, Definition(), actor_id, now)
    return sequence_id


def _new_version(
    sequence: Sequence, number: int, definition: Definition, actor_id: UUID | None, now: datetime
) -> SequenceVersion:
    return SequenceVersion.objects.create(
        id=uuid_utils.compat.uuid7(),
        sequence=sequence,
        number=number,
        created_at=now,
        created_by=actor_id,
        updated_at=now,
        **_held(definition),
    )


def _held(definition: Definition) -> dict[str, Any]:
    return {
        "definition": definition.as_json(),
        "trigger_kind": definition.trigger["kind"],
        "trigger_code": trigger_code(definition.trigger),
    }


def draft_of(*, sequence_id: UUID, actor_id: UUID | None, now: datetime) -> SequenceVersion:
    """Return the draft of a sequence, made from its running version if there is none.

    Its mails are copies: nobody's words change while they are being sent. Raises SequenceUnknown,
    IsArchived. Twice is once.
    """
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if sequence.state == SequenceState.ARCHIVED:
            raise IsArchived(IsArchived.__doc__)
        known = sequence.versions.filter(activated_at=None).first()
        if known is not None:
            return known
        newest = sequence.versions.order_by("-number").first()
        if newest is None:  # each begins with one
            raise SequenceUnknown(SequenceUnknown.__doc__)
        return _copied(sequence, newest, actor_id, now)


def _locked(sequence_id: UUID) -> Sequence:
    row = (
        Sequence.objects.select_for_update(of=("self",), no_key=True)
        .select_related("purpose", "current")
        .filter(id=sequence_id)
        .first()
    )
    if row is None:
        raise SequenceUnknown(SequenceUnknown.__doc__)
    return row


def _copied(
    sequence: Sequence, source: SequenceVersion, actor_id: UUID | None, now: datetime
) -> SequenceVersion:
    definition = read_definition(source.definition)
    version = _new_version(sequence, source.number + 1, definition, actor_id, now)
    for step in definition.every_step():
        old = campaign_of(step)
        if old is not None:
            says = {**step.says, "campaign": str(_copied_mail(version, step.key, old, now))}
            definition = _with_says(definition, step.key, says)
    return _kept(version, definition, now)


def _with_says(definition: Definition, key: str, says: dict[str, Any]) -> Definition:
    def put(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(
            replace(
                step,
                says=says if step.key == key else step.says,
                yes=put(step.yes),
                no=put(step.no),
            )
            for step in steps
        )

    return replace(definition, steps=put(definition.steps))


def _kept(version: SequenceVersion, definition: Definition, now: datetime) -> SequenceVersion:
    for name, value in _held(definition).items():
        setattr(version, name, value)
    version.updated_at = now
    version.save()
    return version


_WORDS = (
    "language",
    "subject",
    "preheader",
    "sender_name",
    "sender_address",
    "reply_to",
    "mjml",
    "blocks",
)


def _copied_mail(version: SequenceVersion, step: str, old_id: UUID, now: datetime) -> UUID:
    old = Campaign.objects.get(id=old_id)
    words = {name: getattr(old, name) for name in _WORDS}
    new_id = _new_mail(version, step, old.name, words, now)
    CampaignVersion.objects.bulk_create(
        CampaignVersion(
            campaign_id=new_id,
            variant=each.variant,
            language=each.language,
            subject=each.subject,
            preheader=each.preheader,
            mjml=each.mjml,
            blocks=each.blocks,
            updated_at=now,
        )
        for each in old.versions.all()
    )
    return new_id


def _new_mail(
    version: SequenceVersion, step: str, name: str, words: dict[str, Any], now: datetime
) -> UUID:
    """The campaign of a sending step, as a draft."""
    campaign_id = uuid_utils.compat.uuid7()
    Campaign.objects.create(
        id=campaign_id,
        mode=CampaignMode.SEQUENCE,
        name=name[:120],
        purpose_id=version.sequence.purpose_id,
        created_at=now,
        updated_at=now,
        **words,
    )
    StateChange.objects.create(
        campaign_id=campaign_id, at=now, from_state="", to_state=CampaignState.DRAFT
    )
    SequenceMail.objects.create(version=version, step=step, campaign_id=campaign_id)
    return campaign_id


def add_mail(*, version: SequenceVersion, step: str, language: str, now: datetime) -> UUID:
    """Make the campaign of a new sending step; return its id. Inside the change of a draft."""
    first = starter(f"newsletter.{language}") or starter("newsletter.fr")
    words = {
        "language": first.language if first else language,
        "subject": "",
        "preheader": "",
        "sender_name": settings.SENDER_NAME,
        "sender_address": settings.SENDER_ADDRESS,
        "reply_to": "",
        "mjml": first.mjml if first else "",
    }
    return _new_mail(version, step, f"{version.sequence.name} · {step}", words, now)


def change_draft(
    *,
    sequence_id: UUID,
    change: Callable[[Definition, SequenceVersion], Definition],
    actor_id: UUID | None,
    now: datetime,
) -> SequenceVersion:
    """Change the draft of a sequence, made if there is none; mails of steps that go, go with them.

    Raises SequenceUnknown, IsArchived, and what `change` raises: then nothing is changed.
    """
    with transaction.atomic():
        draft_of(sequence_id=sequence_id, actor_id=actor_id, now=now)
        version = (
            SequenceVersion.objects.select_for_update(of=("self",))
            .select_related("sequence")
            .get(sequence=sequence_id, activated_at=None)
        )
        kept = _kept(version, change(read_definition(version.definition), version), now)
        read_definition(kept.definition)  # the same refusals as when it is read again
        _drop_mails(kept)
    return kept


def _drop_mails(version: SequenceVersion) -> None:
    definition = read_definition(version.definition)
    found = [campaign_of(step) for step in definition.every_step()]
    kept = [number for number in found if number is not None]
    for mail in version.mails.exclude(campaign_id__in=kept):
        campaign_id = mail.campaign_id
        mail.delete()
        Campaign.objects.filter(id=campaign_id, state=CampaignState.DRAFT).delete()


def rename(*, sequence_id: UUID, name: str, purpose_id: str, now: datetime) -> None:
    """Change the name; the purpose only as long as it was never activated. Safe twice."""
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if sequence.current_id is None and sequence.purpose_id != purpose_id:
            sequence.purpose_id = purpose_id
            mails = SequenceMail.objects.filter(version__sequence=sequence_id)
            Campaign.objects.filter(id__in=mails.values("campaign_id")).update(
                purpose_id=purpose_id
            )
        sequence.name, sequence.updated_at = name, now
        sequence.save()


def discard_draft(*, sequence_id: UUID) -> None:
    """Drop the draft of a sequence that has been activated before. Safe twice."""
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if sequence.current_id is None:
            return
        for version in sequence.versions.filter(activated_at=None):
            campaigns = list(version.mails.values_list("campaign_id", flat=True))
            version.mails.all().delete()
            version.delete()
            Campaign.objects.filter(id__in=campaigns, state=CampaignState.DRAFT).delete()
