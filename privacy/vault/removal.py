"""Documents that are no longer wanted, and the tokens of two subjects who are one person."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connections, transaction

from privacy.models import RetentionClass, TokenKind
from privacy.vault.tokens import alone


def delete_documents(*, subject_ids: Sequence[UUID], retention_class: RetentionClass) -> int:
    """Delete documents, in the caller's transaction on crm; return how many there were.

    Their keys stay until the audit of keys sweeps them as orphans. Safe to repeat.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM blob WHERE retention_class = %s AND subject_id = ANY(%s::uuid[])",
            [int(retention_class), list(subject_ids)],
        )
        return int(cursor.rowcount)


def destroy_documents(*, subject_ids: Sequence[UUID], retention_class: RetentionClass) -> None:
    """Destroy the keys of documents that were only kept for a while, then the documents.

    The keys first: whatever happens in between, nobody can open what is left. The role of the
    worker alone may do it. Safe to repeat.
    """
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM dek WHERE retention_class = %s AND subject_id = ANY(%s::uuid[])",
            [int(retention_class), list(subject_ids)],
        )
        note_removed([(subject, int(retention_class)) for subject in subject_ids])
    delete_documents(subject_ids=subject_ids, retention_class=retention_class)


def note_removed(keys: Sequence[tuple[UUID, int]]) -> None:
    """Remember, in the caller's transaction, that keys are not lost but destroyed on purpose."""
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO privacy_removedkey (subject_id, retention_class, removed_at)"
            " SELECT unnest(%s::uuid[]), unnest(%s::int2[]), now()"
            " ON CONFLICT (subject_id, retention_class)"
            " DO UPDATE SET removed_at = excluded.removed_at, is_swept = false",
            [[subject for subject, _ in keys], [which for _, which in keys]],
        )


def join_subjects(*, kept_id: UUID, absorbed_id: UUID) -> int:
    """Let the addresses and numbers of one subject find the other; return how many moved.

    One transaction on the vault; safe to repeat. A number that both have already leads to both.
    """
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        alone(cursor)
        cursor.execute(
            "DELETE FROM bidx a USING bidx k WHERE a.subject_id = %s AND k.subject_id = %s"
            " AND a.kind = %s AND (a.kind, a.epoch, a.token) = (k.kind, k.epoch, k.token)",
            [absorbed_id, kept_id, int(TokenKind.PHONE)],
        )
        cursor.execute(
            "UPDATE bidx SET subject_id = %s WHERE subject_id = %s", [kept_id, absorbed_id]
        )
        return int(cursor.rowcount)
