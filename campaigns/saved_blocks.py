"""Blocks that the team keeps under a name. They are copied into a mail, never linked to it."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat

from campaigns.content.findings import Finding
from campaigns.content.lint import lint
from campaigns.models import SavedBlock

_BEFORE, _AFTER = "<mjml><mj-body>", "</mj-body></mjml>"


class NoSuchBlock(LookupError):
    """The block was never there, or is archived."""


def whole(mjml: str) -> str:
    """A block as a mail of its own, to look at: it has no opt-out link, as it is no mail."""
    return f"{_BEFORE}{mjml}{_AFTER}"


def findings_of(mjml: str) -> list[Finding]:
    """Everything wrong with a block: sections, wrappers or heroes, as they stand in a mail."""
    return [
        Finding(
            each.line,
            max(1, each.column - len(_BEFORE)) if each.line == 1 else each.column,
            each.code,
            each.message,
        )
        for each in lint(whole(mjml))
        if each.code != "no-opt-out"
    ]


def create_block(*, name: str, mjml: str, now: datetime) -> UUID:
    """Keep a block. Calling it twice makes two."""
    block_id = uuid_utils.compat.uuid7()
    SavedBlock.objects.create(id=block_id, name=name, mjml=mjml, created_at=now, updated_at=now)
    return block_id


def change_block(*, block_id: UUID, name: str, mjml: str, now: datetime) -> None:
    """Replace a block; mails that hold a copy keep theirs. Raises NoSuchBlock. Safe twice."""
    rows = SavedBlock.objects.filter(id=block_id, archived_at=None)
    if not rows.update(name=name, mjml=mjml, updated_at=now):
        raise NoSuchBlock


def archive_block(*, block_id: UUID, now: datetime) -> None:
    """Take a block out of the list. Safe twice."""
    SavedBlock.objects.filter(id=block_id, archived_at=None).update(archived_at=now)


def restore_block(*, block_id: UUID) -> None:
    """Put a block back into the list. Safe twice."""
    SavedBlock.objects.filter(id=block_id).update(archived_at=None)
