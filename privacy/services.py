"""The door of the shared core. Other floors import from here and from nowhere else in `privacy`."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from privacy.envelopes import (
    Drained,
    IntakeClosed,
    OpenedEnvelope,
    Refused,
    drain_envelopes,
    drop_envelope,
    on_intake,
    refresh_sealing_key,
)
from privacy.founding import found_installation
from privacy.journal import (
    JournalEvent,
    JournalHead,
    JournalUnreachable,
    JournalWriter,
    catch_up_with_journal,
    is_journal_applied,
    journal_head,
    journal_writer,
    register_replay,
)
from privacy.models import IntakeModel, RetentionClass, TokenKind, VaultModel
from privacy.transparency.anchor import LogBusy, newest_note
from privacy.transparency.log import Audit, Proof, Prover, SignedHead, SignedLog
from privacy.transparency.notes import Head, NotAKey, NotSigned, Signer, Verifier, read_verifier
from privacy.transparency.tiles import LogDamaged
from privacy.vault import links
from privacy.vault.formats import Unreadable, length_prefixed
from privacy.vault.indexes import (
    InvalidAddress,
    fingerprint,
    normalise_email,
    normalise_phone,
    widen_email,
)
from privacy.vault.installation import NotFounded, instance_id
from privacy.vault.keyring import KeysMissing, derived_key
from privacy.vault.links import Link, NotOurLink
from privacy.vault.removal import delete_documents, destroy_documents, join_subjects
from privacy.vault.sealing import TooLarge
from privacy.vault.store import (
    Conflict,
    Enrolment,
    change_document,
    enrol,
    enrol_many,
    find_by_email,
    open_evidence,
    read_documents,
    seal_evidence,
    write_document,
    write_documents,
)
from privacy.vault.stream import stream_documents

LINK_KEY_ID = 1


@dataclass(frozen=True)
class Fingerprints:
    """Keyed fingerprints of one address, 16 bytes each; `wide` is of the address without +tag."""

    exact: bytes
    wide: bytes

    @property
    def marks(self) -> bytes:
        """All of them, one behind the other, as the gate's functions take them."""
        return self.exact + self.wide


def fingerprint_emails(*, emails: Sequence[str]) -> list[Fingerprints]:
    """Return the fingerprints of normalised addresses, in their order."""
    key = derived_key("fingerprint|1")
    kind = TokenKind.EMAIL
    return [
        Fingerprints(
            fingerprint(key=key, kind=kind, normalised=email),
            fingerprint(key=key, kind=kind, normalised=widen_email(email)),
        )
        for email in emails
    ]


def make_link(*, scope: str, link: Link) -> str:
    """Return the token of a link in mail: self-contained, without expiry, for one scope."""
    key = derived_key(f"link|{LINK_KEY_ID}")
    return links.make_token(key=key, key_id=LINK_KEY_ID, scope=scope, link=link)


def read_link(*, scope: str, token: str) -> Link:
    """Return what a token says; raises NotOurLink unless we made it for `scope`."""
    keys = {LINK_KEY_ID: derived_key(f"link|{LINK_KEY_ID}")}
    return links.read_token(keys=keys, scope=scope, token=token)


def has_link_shape(*, token: str) -> bool:
    """Return whether this could be a token; needs no key."""
    return links.has_token_shape(token)


def card_of_link(*, token: str) -> UUID:
    """Return the card that a token names, unverified: for the side without keys. NotOurLink."""
    return links.unverified_card(token)


def keyed_id(*, scope: str, parts: Sequence[bytes]) -> bytes:
    """Return 16 keyed bytes, always the same for the same parts (message ids, return paths)."""
    message = length_prefixed(scope.encode(), *parts)
    return hmac.digest(derived_key("id|1"), message, hashlib.sha256)[:16]


def log_signer(*, folder: Path, host: str) -> Signer:
    """Return the key that signs the heads of the log in `folder`, under the log's name.

    The name is made of `host` and the installation's id by the first head, and stays: another
    host later does not make it another log. Raises KeysMissing, NotFounded, LogDamaged.
    """
    name = f"/accord/{instance_id().hex}"
    known = (newest_note(folder) or "").partition("\n")[0]
    is_ours = known.endswith(name) and "+" not in known and known.split() == [known]
    return Signer(name=known if is_ours else host + name, seed=derived_key("ledger-sign|1"))


__all__ = [
    "Audit",
    "Conflict",
    "Drained",
    "Enrolment",
    "Fingerprints",
    "Head",
    "IntakeClosed",
    "IntakeModel",
    "InvalidAddress",
    "JournalEvent",
    "JournalHead",
    "JournalUnreachable",
    "JournalWriter",
    "KeysMissing",
    "Link",
    "LogBusy",
    "LogDamaged",
    "NotAKey",
    "NotFounded",
    "NotOurLink",
    "NotSigned",
    "OpenedEnvelope",
    "Proof",
    "Prover",
    "Refused",
    "RetentionClass",
    "SignedHead",
    "SignedLog",
    "Signer",
    "TokenKind",
    "TooLarge",
    "Unreadable",
    "VaultModel",
    "Verifier",
    "catch_up_with_journal",
    "change_document",
    "delete_documents",
    "destroy_documents",
    "drain_envelopes",
    "drop_envelope",
    "enrol",
    "enrol_many",
    "find_by_email",
    "found_installation",
    "is_journal_applied",
    "join_subjects",
    "journal_head",
    "journal_writer",
    "log_signer",
    "normalise_email",
    "normalise_phone",
    "on_intake",
    "open_evidence",
    "read_documents",
    "read_verifier",
    "refresh_sealing_key",
    "register_replay",
    "seal_evidence",
    "stream_documents",
    "write_document",
    "write_documents",
]
