"""The door of the shared core. Other floors import from here and from nowhere else in `privacy`."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from privacy.approvals import (
    AskedApproval,
    NotApproved,
    NotPending,
    SamePerson,
    approval,
    approve,
    past_approvals,
    refuse,
    request_approval,
    standing_approval,
    use_approval,
    waiting_approvals,
)
from privacy.card_numbers import REFUSED as CARD_NUMBER_REFUSED
from privacy.card_numbers import holds_card_number, refuse_card_numbers
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
from privacy.erasures import register_erasure
from privacy.fingerprint_epochs import (
    fingerprint_epochs,
    register_fingerprint_use,
    writing_fingerprint_epoch,
)
from privacy.founding import found_installation
from privacy.index_rotation import register_address_reader, work_on_index_rotation
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
from privacy.key_inventory import KeyRecord, register_keys
from privacy.key_life import audit_daily, keep_keys
from privacy.meter import (
    READ_MORE,
    Readings,
    TooManyReads,
    read_more_reference,
    readings,
    stopped_today,
)
from privacy.models import AccessRecord, IntakeModel, RetentionClass, TokenKind, VaultModel
from privacy.networks import network_of
from privacy.officers import NotRecognised, register_officers
from privacy.rates import SlidingWindow, TooMany
from privacy.reading import (
    NoReader,
    ReadingRefused,
    current_reader,
    forget_old_readings,
    note_reading,
    reading_as,
    reading_because,
    reading_unmetered,
    readings_by,
    readings_for,
    readings_of,
)
from privacy.transparency.anchor import LogBusy
from privacy.transparency.log import Audit, Proof, Prover, SignedHead, SignedLog
from privacy.transparency.notes import Head, NotAKey, NotSigned, Signer, Verifier, read_verifier
from privacy.transparency.signing import log_signer
from privacy.transparency.tiles import LogDamaged
from privacy.vault import links
from privacy.vault.audit import KIND as KEY_LOSS
from privacy.vault.changes import (
    DOCUMENTS_CHANNEL,
    KEYS_CHANNEL,
    revisions,
    revisions_after,
    subjects_with_key,
)
from privacy.vault.destruction import DESTRUCTION as KEY_DESTRUCTION
from privacy.vault.destruction import DESTRUCTION_LIFE as KEY_DESTRUCTION_LIFE
from privacy.vault.destruction import SCHEDULE as KEY_SCHEDULE
from privacy.vault.destruction import SCHEDULE_LIFE as KEY_SCHEDULE_LIFE
from privacy.vault.destruction import schedule_reference as key_schedule_reference
from privacy.vault.formats import Unreadable, length_prefixed
from privacy.vault.indexes import (
    DOMAIN,
    InvalidAddress,
    domain_of,
    fingerprint,
    normalise_email,
    normalise_phone,
    widen_email,
)
from privacy.vault.installation import NotFounded
from privacy.vault.interlock import KeysLost, register_evidence
from privacy.vault.key_token import renew_key_token
from privacy.vault.keyring import KeysMissing, derived_key, key_ring
from privacy.vault.links import Link, MeasureLink, NotOurLink
from privacy.vault.records import SealedRecord, open_records, seal_record
from privacy.vault.removal import delete_documents, destroy_documents, join_subjects
from privacy.vault.sealing import TooLarge
from privacy.vault.secrets_at_rest import open_secret, seal_secret
from privacy.vault.store import (
    Conflict,
    change_document,
    open_evidence,
    read_documents,
    seal_evidence,
    write_document,
    write_documents,
)
from privacy.vault.stream import Revision, stream_documents, stream_revisions, subjects_after
from privacy.vault.sweeping import SWEEP as KEY_SWEEP
from privacy.vault.tokens import Enrolment, enrol, enrol_many, find_by_email


@dataclass(frozen=True)
class Fingerprints:
    """Keyed fingerprints of one address or number, 16 bytes each, made with the key of `epoch`.

    `wide` is of the address without its +tag; of a number it is the same as `exact`.
    """

    exact: bytes
    wide: bytes
    epoch: int = 1
    # The same address under the other keys that are still in use.
    others: tuple["Fingerprints", ...] = ()

    @property
    def every(self) -> tuple["Fingerprints", ...]:
        """These, and those under the other keys."""
        return (self, *self.others)

    @property
    def marks(self) -> bytes:
        """All of them, one behind the other, as the gate's functions take them."""
        return b"".join(each.exact + each.wide for each in self.every)


def fingerprint_emails(*, emails: Sequence[str]) -> list[Fingerprints]:
    """Return the fingerprints of normalised addresses, in their order, under every key in use."""
    wide = [widen_email(email) for email in emails]
    return _fingerprints(TokenKind.EMAIL, list(zip(emails, wide, strict=True)))


def fingerprint_phones(*, phones: Sequence[str]) -> list[Fingerprints]:
    """Return the fingerprints of numbers in E.164, in their order, under every key in use."""
    return _fingerprints(TokenKind.PHONE, [(phone, phone) for phone in phones])


def fingerprint_domains(*, emails: Sequence[str]) -> list[Fingerprints]:
    """Return the fingerprints of the domains of normalised addresses: to count, not to find."""
    domains = [domain_of(email) for email in emails]
    return _fingerprints(DOMAIN, list(zip(domains, domains, strict=True)))


def _fingerprints(kind: int, pairs: Sequence[tuple[str, str]]) -> list[Fingerprints]:
    ring = key_ring()
    epochs, first = ring.fingerprint_epochs(), ring.writing_fingerprint_epoch()
    keys = {epoch: ring.fingerprint_key(epoch) for epoch in epochs}

    def made(exact: str, wide: str, epoch: int) -> Fingerprints:
        mark = fingerprint(key=keys[epoch], kind=kind, normalised=exact)
        same = wide == exact
        tagless = mark if same else fingerprint(key=keys[epoch], kind=kind, normalised=wide)
        return Fingerprints(mark, tagless, epoch)

    rest = [epoch for epoch in epochs if epoch != first]
    return [
        replace(made(exact, wide, first), others=tuple(made(exact, wide, epoch) for epoch in rest))
        for exact, wide in pairs
    ]


def make_link(*, scope: str, link: Link) -> str:
    """Return the token of a link in mail: self-contained, without expiry, for one scope."""
    key = derived_key(f"link|{link.epoch}")
    return links.make_token(key=key, key_id=link.epoch, scope=scope, link=link)


def read_link(*, scope: str, token: str) -> Link:
    """Return what a token says; raises NotOurLink unless we made it for `scope`.

    Also one whose fingerprint key was dropped: whoever holds it may still say no.
    """
    key_id = links.key_id_of(token)
    return links.read_token(keys={key_id: derived_key(f"link|{key_id}")}, scope=scope, token=token)


def has_link_shape(*, token: str) -> bool:
    """Return whether this could be a token; needs no key."""
    return links.has_token_shape(token)


def card_of_link(*, token: str) -> UUID:
    """Return the card that a token names, unverified: for the side without keys. NotOurLink."""
    return links.unverified_card(token)


# Links of measures carry no fingerprint, so no epoch: one key makes them.
_MEASURE_KEY_ID = 1


def make_measure_link(*, scope: str, link: MeasureLink) -> str:
    """Return the token of a measured message: of its picture, or of one of its links."""
    key = derived_key(f"link|{_MEASURE_KEY_ID}")
    return links.make_measure_token(key=key, key_id=_MEASURE_KEY_ID, scope=scope, link=link)


def read_measure_link(*, scope: str, token: str) -> MeasureLink:
    """Return what a token says; raises NotOurLink unless we made it for `scope`."""
    keys = {_MEASURE_KEY_ID: derived_key(f"link|{_MEASURE_KEY_ID}")}
    return links.read_measure_token(keys=keys, scope=scope, token=token)


def claim_of_measure_link(*, token: str) -> MeasureLink:
    """Return what a token claims, unverified: for the side without keys. NotOurLink."""
    return links.unverified_measure(token)


def purpose_of_link(*, token: str) -> int:
    """Return the number of the purpose a token names (0: every one), unverified. NotOurLink."""
    return links.unverified_purpose(token)


def keyed_id(*, scope: str, parts: Sequence[bytes]) -> bytes:
    """Return 16 keyed bytes, always the same for the same parts (message ids, return paths)."""
    message = length_prefixed(scope.encode(), *parts)
    return hmac.digest(derived_key("id|1"), message, hashlib.sha256)[:16]


__all__ = [
    "CARD_NUMBER_REFUSED",
    "DOCUMENTS_CHANNEL",
    "KEYS_CHANNEL",
    "KEY_DESTRUCTION",
    "KEY_DESTRUCTION_LIFE",
    "KEY_LOSS",
    "KEY_SCHEDULE",
    "KEY_SCHEDULE_LIFE",
    "KEY_SWEEP",
    "READ_MORE",
    "AccessRecord",
    "AskedApproval",
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
    "KeyRecord",
    "KeysLost",
    "KeysMissing",
    "Link",
    "LogBusy",
    "LogDamaged",
    "MeasureLink",
    "NoReader",
    "NotAKey",
    "NotApproved",
    "NotFounded",
    "NotOurLink",
    "NotPending",
    "NotRecognised",
    "NotSigned",
    "OpenedEnvelope",
    "Proof",
    "Prover",
    "ReadingRefused",
    "Readings",
    "Refused",
    "RetentionClass",
    "Revision",
    "SamePerson",
    "SealedRecord",
    "SignedHead",
    "SignedLog",
    "Signer",
    "SlidingWindow",
    "TokenKind",
    "TooLarge",
    "TooMany",
    "TooManyReads",
    "Unreadable",
    "VaultModel",
    "Verifier",
    "approval",
    "approve",
    "audit_daily",
    "catch_up_with_journal",
    "change_document",
    "claim_of_measure_link",
    "current_reader",
    "delete_documents",
    "destroy_documents",
    "domain_of",
    "drain_envelopes",
    "drop_envelope",
    "enrol",
    "enrol_many",
    "find_by_email",
    "fingerprint_domains",
    "fingerprint_emails",
    "fingerprint_epochs",
    "fingerprint_phones",
    "forget_old_readings",
    "found_installation",
    "holds_card_number",
    "is_journal_applied",
    "join_subjects",
    "journal_head",
    "journal_writer",
    "keep_keys",
    "key_schedule_reference",
    "log_signer",
    "make_measure_link",
    "network_of",
    "normalise_email",
    "normalise_phone",
    "note_reading",
    "on_intake",
    "open_evidence",
    "open_records",
    "open_secret",
    "past_approvals",
    "purpose_of_link",
    "read_documents",
    "read_measure_link",
    "read_more_reference",
    "read_verifier",
    "reading_as",
    "reading_because",
    "reading_unmetered",
    "readings",
    "readings_by",
    "readings_for",
    "readings_of",
    "refresh_sealing_key",
    "refuse",
    "refuse_card_numbers",
    "register_address_reader",
    "register_erasure",
    "register_evidence",
    "register_fingerprint_use",
    "register_keys",
    "register_officers",
    "register_replay",
    "renew_key_token",
    "request_approval",
    "revisions",
    "revisions_after",
    "seal_evidence",
    "seal_record",
    "seal_secret",
    "standing_approval",
    "stopped_today",
    "stream_documents",
    "stream_revisions",
    "subjects_after",
    "subjects_with_key",
    "use_approval",
    "waiting_approvals",
    "work_on_index_rotation",
    "write_document",
    "write_documents",
    "writing_fingerprint_epoch",
]
