"""The key that signs the heads of an installation's log, under the log's name."""

from pathlib import Path

from privacy.transparency.anchor import newest_note
from privacy.transparency.notes import Signer
from privacy.vault.installation import instance_id
from privacy.vault.keyring import derived_key


def log_signer(*, folder: Path, host: str) -> Signer:
    """Return the key that signs the heads of the log in `folder`, under the log's name.

    The name is made of `host` and the installation's id by the first head, and stays: another
    host later does not make it another log. Raises KeysMissing, NotFounded, LogDamaged.
    """
    name = f"/accord/{instance_id().hex}"
    known = (newest_note(folder) or "").partition("\n")[0]
    is_ours = known.endswith(name) and "+" not in known and known.split() == [known]
    return Signer(name=known if is_ours else host + name, seed=derived_key("ledger-sign|1"))
