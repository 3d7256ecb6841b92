"""What happens to the keys by itself: each hour their week, each day the comparison."""

import logging
from datetime import datetime

from privacy.vault.audit import Audited, audit_keys
from privacy.vault.destruction import Destroyed, destroy_due_epochs
from privacy.vault.epochs import rotate_if_due
from privacy.vault.rewrapping import rewrap

logger = logging.getLogger("privacy.keys")


def keep_keys(*, now: datetime) -> Destroyed:
    """Rotate when the week is over, move keys to the current epoch, destroy what is due.

    Safe to repeat, to kill, and in several processes at once. Raises KeysMissing without a ring.
    """
    made = rotate_if_due(now=now)
    if made is not None:
        logger.warning("key epoch %s is made: copy the key ring to where its copies are", made)
    moved = rewrap()
    if moved.unreadable or moved.gone:
        logger.error(
            "security: %s keys do not open, and the files of epochs %s are gone",
            moved.unreadable,
            list(moved.gone),
        )
    done = destroy_due_epochs(now=now)
    _tell(done)
    return done


def _tell(done: Destroyed) -> None:
    if done.epochs:
        logger.warning(
            "key epochs %s are destroyed: delete the copies of their files", list(done.epochs)
        )
    if done.unapproved:
        logger.error(
            "key epochs %s are due to be destroyed, and no two people agreed to a schedule",
            list(done.unapproved),
        )
    for epochs, said in (
        (done.fresh, "are due to be destroyed, and wait a day for a dump of the vault"),
        (done.found_gone, "had no file any more: who took it?"),
        (done.unreadable, "are due to be destroyed, and their files cannot be read"),
        (done.doubtful, "are due, and nothing is destroyed: the newest is from the future"),
    ):
        if epochs:
            logger.error("security: key epochs %s %s", list(epochs), said)


def audit_daily(*, now: datetime) -> Audited:
    """Compare documents and keys, and say in the log what needs somebody. Raises as the audit."""
    found = audit_keys(now=now)
    if found.lost:
        logger.critical("security: the keys of %s documents are lost: writing stops", found.lost)
    if found.is_sweep_held_back:
        logger.error("security: %s keys have no document: too many to sweep", found.orphans)
    if found.lost_after_sweep:
        logger.error("security: %s of the lost keys were swept before", found.lost_after_sweep)
    return found
