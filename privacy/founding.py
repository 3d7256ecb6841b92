"""The first act of an installation: its id, its key ring, its journal. Safe to repeat."""

from datetime import datetime
from uuid import uuid4

from privacy.journal import Journal, JournalUnreachable, journal
from privacy.models import JournalApplied, VaultInstance
from privacy.vault.epochs import sync_epochs
from privacy.vault.keyring import KeysMissing, LocalKeyRing, key_ring


def found_installation(*, now: datetime) -> None:
    """Make what is missing of a new installation; an existing one is only checked.

    Raises KeysMissing or JournalUnreachable when a part of an installation that has lived is
    gone: making a new one would turn a loss that can be repaired into one that cannot.
    """
    _found(key_ring(), journal(), now)
    sync_epochs(now=now)


def _found(ring: LocalKeyRing, ours: Journal, now: datetime) -> None:
    instance = VaultInstance.objects.first()
    if instance is not None and not ring.exists():
        raise KeysMissing(f"The vault is in use but {ring.folder} has no keys: put them back.")
    ring.found(now=now)
    if instance is None:
        instance = VaultInstance.objects.create(id=1, instance_id=uuid4())
    applied = JournalApplied.objects.first()
    if applied is not None and not ours.path.exists():
        raise JournalUnreachable(f"The database is in use but {ours.path} is gone: put it back.")
    head = ours.found(instance_id=instance.instance_id, now=now)
    if applied is None:
        JournalApplied.objects.create(
            id=1,
            journal_id=head.journal_id,
            instance_id=instance.instance_id,
            applied_seq=head.seq,
            applied_hash=head.hash,
        )
