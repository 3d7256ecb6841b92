"""What makes an installation one: its id, in the vault and in every ciphertext."""

from functools import lru_cache
from uuid import UUID

from privacy.models import VaultInstance


class NotFounded(Exception):
    """The vault has no instance row: run `manage.py provision`."""


@lru_cache(maxsize=1)
def instance_id() -> UUID:
    """Return the id of this installation, read once per process; raises NotFounded."""
    found = VaultInstance.objects.values_list("instance_id", flat=True).first()
    if found is None:
        raise NotFounded(NotFounded.__doc__)
    return found
