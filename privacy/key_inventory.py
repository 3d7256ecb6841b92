"""Every key of the product in the terms of NIST SP 800-57 part 1, and never a byte of one.

Read from the ring, the tables and the settings as they are now. A floor above adds its own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.conf import settings

from privacy.envelopes import SEALING_KEY_LIFE
from privacy.models import DataKey, KeyEpoch, SealingKeyPair
from privacy.vault.epochs import DESTROYED_AFTER, ROTATION
from privacy.vault.keyring import KeysMissing, LocalKeyRing, key_ring

ACTIVE, DEACTIVATED, DESTROYED, MISSING = "active", "deactivated", "destroyed", "NOT THERE"
WRAP = "AES-256-GCM-SIV"
_RING = "the key ring's folder, and its copies"
_OPERATIONS = "the operators of the key ring's host"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class KeyRecord:
    """One key, or a number of keys that are alike."""

    name: str
    purpose: str
    kind: str  # of SP 800-57 part 1, 5.1.1
    algorithm: str
    bits: int
    state: str  # of SP 800-57 part 1, 7
    made: str
    cryptoperiod: str
    destroyed: str
    kept: str
    wrapped_by: str
    holder: str
    lost_with_it: str


@dataclass(frozen=True)
class Derived:
    """A key that is computed from the index key: `{}` in its label is an epoch or a kind."""

    label: str
    purpose: str
    kind: str
    algorithm: str
    lost_with_it: str


DERIVED = (
    Derived("bidx|email|{}", "find a subject by e-mail address", "symmetric authentication key",
            "HMAC-SHA-256", "nobody is found by address until the tokens are made anew"),
    Derived("bidx|phone|{}", "find a subject by telephone number", "symmetric authentication key",
            "HMAC-SHA-256", "nobody is found by number until the tokens are made anew"),
    Derived("fingerprint|1", "recognise a suppressed address or number, epoch 1",
            "symmetric authentication key", "HMAC-SHA-256",
            "every 'no' of an erased person that is kept under it"),
    Derived("link|{}", "authenticate the links in mail", "symmetric authentication key",
            "HMAC-SHA-256", "every link in mail that was sent, the ones to say no among them"),
    Derived("id|1", "make Message-IDs and return paths", "symmetric authentication key",
            "HMAC-SHA-256", "bounces of messages under way are not recognised"),
    Derived("webhook-secret|1", "seal the secrets of webhooks", "symmetric data encryption key",
            "AES-256-GCM", "every webhook needs a new secret"),
    Derived("ledger-sign|1", "sign the heads of the ledger's log", "private signature key",
            "Ed25519", "a new log has to be begun; heads that were kept still verify"),
)  # fmt: skip

Records = Callable[[], Iterable[KeyRecord]]
_MORE: list[Records] = []


def register_keys(records: Records) -> None:
    """Add keys of a floor above to the inventory; safe to repeat."""
    if records not in _MORE:
        _MORE.append(records)


def key_inventory(*, now: datetime) -> list[KeyRecord]:
    """Return every key there is or was, destroyed epochs included."""
    ring = key_ring()
    return [
        *_roots(ring),
        *(_epoch(ring, row) for row in KeyEpoch.objects.order_by("number")),
        _data_keys(),
        *(_sealing(pair) for pair in SealingKeyPair.objects.order_by("id")),
        *(_derived(ring, one) for one in DERIVED),
        *_fingerprints(ring),
        *_settings(),
        *(record for records in _MORE for record in records()),
    ]


def as_fields(records: Iterable[KeyRecord]) -> list[dict[str, str | int]]:
    return [asdict(record) for record in records]


def as_markdown(records: Iterable[KeyRecord]) -> Iterator[str]:
    """Yield the lines of a table; what a cell says has no bar and no line break."""
    names = list(KeyRecord.__dataclass_fields__)
    yield "| " + " | ".join(name.replace("_", " ") for name in names) + " |"
    yield "|" + "---|" * len(names)
    for record in records:
        cells = [str(value).replace("|", "\\|") for value in asdict(record).values()]
        yield "| " + " | ".join(cells) + " |"


# --- the ring --------------------------------------------------------------------------------


def _roots(ring: LocalKeyRing) -> Iterator[KeyRecord]:
    made = _made(ring.folder / "index.json")
    yield KeyRecord(
        "root key", "wrap the other keys of the ring", "symmetric key-wrapping key", WRAP, 256,
        ACTIVE if ring.exists() else MISSING, made, "as long as the installation",
        "with the installation",
        "root.key in the key ring's folder; its copies never beside those of the other files",
        "nothing: escrow by secret sharing", _OPERATIONS, "every key of the ring, so everything",
    )  # fmt: skip
    yield KeyRecord(
        "index key", "derive the keys for tokens, links, ids and signatures",
        "symmetric key-derivation key", "HKDF-Expand-SHA-256", 256,
        _opens(lambda: ring.derived("id|1")), made, "as long as the installation",
        "with the installation", f"index.json in {_RING}", "root key", _OPERATIONS,
        "every derived key",
    )  # fmt: skip


def _epoch(ring: LocalKeyRing, row: KeyEpoch) -> KeyRecord:
    if row.destroyed_at:
        state, end = DESTROYED, _day(row.destroyed_at)
    elif row.retired_at:
        state, end = DEACTIVATED, f"due {_day(row.retired_at + DESTROYED_AFTER)}"
    else:
        state = ACTIVE
        end = f"due {_day(row.made_at + ROTATION + DESTROYED_AFTER)}"
    if not row.destroyed_at and _opens(lambda: ring.kek(row.number)) == MISSING:
        state = MISSING
    return KeyRecord(
        f"key-encryption key, epoch {row.number}", "wrap data keys and private sealing keys",
        "symmetric key-wrapping key", WRAP, 256, state, _day(row.made_at),
        f"{ROTATION.days} days to wrap, {DESTROYED_AFTER.days} more to unwrap", end,
        f"kek-{row.number:06d}.json in {_RING}", "root key", _OPERATIONS,
        "every document whose key is wrapped under it",
    )  # fmt: skip


def _fingerprints(ring: LocalKeyRing) -> Iterator[KeyRecord]:
    for epoch in ring.fingerprint_epochs():
        if epoch == 1:  # derived
            continue
        name = f"fingerprint-{epoch:06d}.json"
        yield KeyRecord(
            f"fingerprint key, epoch {epoch}", "recognise a suppressed address or number",
            "symmetric authentication key", "HMAC-SHA-256", 256,
            _opens(partial(ring.fingerprint_key, epoch)), _made(ring.folder / name),
            "until no row and no living link carries it", "when it is dropped",
            f"{name} in {_RING}", "root key", _OPERATIONS,
            "every 'no' of an erased person that is kept under it",
        )  # fmt: skip


def _derived(ring: LocalKeyRing, one: Derived) -> KeyRecord:
    return KeyRecord(
        f"derived key {one.label.replace('{}', 'N')}", one.purpose, one.kind, one.algorithm, 256,
        _opens(lambda: ring.derived(one.label)), _made(ring.folder / "index.json"),
        "as long as the index key", "with the index key", "nowhere: computed when needed",
        "nothing: derived from the index key", _OPERATIONS, one.lost_with_it,
    )  # fmt: skip


# --- the tables ------------------------------------------------------------------------------


def _data_keys() -> KeyRecord:
    return KeyRecord(
        f"{DataKey.objects.count()} data keys", "encrypt the documents and evidence of one subject"
        " and retention class", "symmetric data-encryption key", "AES-256-GCM", 256, ACTIVE,
        "with the first document", "as long as the retention class",
        "when the subject's class is erased", "dek in vault", "key-encryption key",
        "the database of keys", "that subject's documents of that class",
    )  # fmt: skip


def _sealing(pair: SealingKeyPair) -> KeyRecord:
    return KeyRecord(
        f"sealing key pair {pair.id}", "open what the public side sealed",
        "private key-transport key", "HPKE X25519, HKDF-SHA-256, AES-256-GCM", 256,
        DESTROYED if pair.retired_at else ACTIVE, _day(pair.created_at),
        "1 day to seal, then until its envelopes are opened",
        f"due {_day(pair.created_at + _DAY + SEALING_KEY_LIFE)}",
        "privacy_sealingkeypair in vault", f"key-encryption key, epoch {pair.kek_epoch}",
        "the database of keys", "submissions and decisions that wait in envelopes of that day",
    )  # fmt: skip


# --- the settings ----------------------------------------------------------------------------


def _settings() -> Iterator[KeyRecord]:
    yield KeyRecord(
        "Django secret", "sign sessions, messages and CSRF tokens",
        "symmetric authentication key", "HMAC-SHA-256", 8 * len(settings.SECRET_KEY.encode()),
        ACTIVE, "by the operator", "one year", "when it is replaced",
        "ACCORD_SECRET_KEY of each process", "nothing", _OPERATIONS,
        "sessions: everybody signs in again",
    )  # fmt: skip
    dkim = settings.DKIM_KEY_PATH
    if dkim:
        yield KeyRecord(
            f"DKIM key {settings.DKIM_SELECTOR}", "sign the mail that is sent",
            "private signature key", "RSA-SHA-256 or Ed25519 (RFC 6376, RFC 8463)",
            0, ACTIVE if Path(dkim).is_file() else MISSING, "by the operator",
            "one year", "when its selector leaves the DNS", "the file of ACCORD_DKIM_KEY",
            "nothing", _OPERATIONS, "mail goes unsigned until a new selector is published",
        )  # fmt: skip
    for name, database in settings.DATABASES.items():
        if database.get("PASSWORD"):
            yield KeyRecord(
                f"password of {database['USER']} for {_zone(name)}", "connect to the database",
                "authentication secret", "SCRAM-SHA-256",
                8 * len(database["PASSWORD"].encode()), ACTIVE, "by the operator", "one year",
                "when it is replaced", "the address in the settings of the process", "nothing",
                _OPERATIONS, "nothing: give the role another",
            )  # fmt: skip


def _zone(alias: str) -> str:
    return "crm" if alias == "default" else alias


def _opens(use: Callable[[], object]) -> str:
    try:
        use()
    except KeysMissing:
        return MISSING
    return ACTIVE


def _made(path: Path) -> str:
    """A file of the ring is written once."""
    try:
        return _day(datetime.fromtimestamp(path.stat().st_mtime).astimezone())
    except OSError:
        return "unknown"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
