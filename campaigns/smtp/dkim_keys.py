"""The DKIM keys of a folder: `<domain>/<selector>.pem`, and since when each signs.

A new pair of keys waits until its records can have reached everybody, then signs; the pair before
it stays in the DNS for as long as mail that it signed may still be on its way.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from campaigns.smtp.addresses import BadAddress, wire_domain
from campaigns.smtp.dkim_signing import DkimKey, SigningKeyUnusable

Status = Literal["waits", "signs", "overlaps", "over"]
# RFC 5321 4.5.4.1 has relays try for four to five days.
OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ScheduledKey:
    key: DkimKey
    signs_from: datetime


def new_keys(
    *, folder: Path, domain: str, now: datetime, signs_from: datetime
) -> list[ScheduledKey]:
    """Make a pair, RSA of 2048 bits and Ed25519: what does not know the one knows the other.

    Not safe to call twice: each call makes another pair. Raises BadAddress for a domain that is
    none.
    """
    place = folder / wire_domain(domain)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = (generate_private_key(65537, 2048), Ed25519PrivateKey.generate())
    return [_kept(place, key, now, signs_from) for key in private]


def _kept(
    place: Path, private: RSAPrivateKey | Ed25519PrivateKey, now: datetime, signs_from: datetime
) -> ScheduledKey:
    letter = "r" if isinstance(private, RSAPrivateKey) else "e"
    stem = f"a{now:%Y%m%d}{letter}"
    taken = {path.stem for path in place.glob("*.pem")}
    later = (f"{stem}{number}" for number in range(2, 1000))
    selector = stem if stem not in taken else next(name for name in later if name not in taken)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = place / f"{selector}.pem"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    schedule = {"signs_from": signs_from.isoformat()}
    path.with_suffix(".json").write_text(json.dumps(schedule) + "\n", encoding="utf-8")
    key = DkimKey(domain=place.name, selector=selector, key_path=path)
    return ScheduledKey(key, signs_from)


def domains(folder: Path) -> list[str]:
    """Return the domains that have a key."""
    return sorted({path.parent.name for path in folder.glob("*/*.pem")})


def keys_of(folder: Path, domain: str) -> list[ScheduledKey]:
    """Return the keys of a domain, the newest first. Raises SigningKeyUnusable."""
    found = []
    for path in (folder / domain).glob("*.pem"):
        key = DkimKey(domain=domain, selector=path.stem, key_path=path)
        found.append(ScheduledKey(key, _signs_from(path.with_suffix(".json"))))
    return sorted(found, key=lambda each: (each.signs_from, each.key.selector), reverse=True)


def _signs_from(path: Path) -> datetime:
    try:
        at = datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["signs_from"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SigningKeyUnusable(str(path)) from error
    if at.tzinfo is None:
        raise SigningKeyUnusable(str(path))
    return at


def status(each: ScheduledKey, among: Sequence[ScheduledKey], at: datetime) -> Status:
    """Say what a key is for at a moment; `among` are the keys of its domain."""
    if each.signs_from > at:
        return "waits"
    newer = [
        other.signs_from
        for other in among
        if other.key.algorithm == each.key.algorithm
        and (other.signs_from, other.key.selector) > (each.signs_from, each.key.selector)
        and other.signs_from <= at
    ]
    if not newer:
        return "signs"
    return "overlaps" if at < min(newer) + OVERLAP else "over"


def signing_keys(folder: Path, sender_domain: str, at: datetime) -> list[DkimKey]:
    """Return the keys that sign for a sender now: its domain's, or else those of a domain above it
    (DMARC's relaxed alignment). Empty where there are none. Raises SigningKeyUnusable."""
    labels = _labels(sender_domain)
    for start in range(max(len(labels) - 1, 0)):
        among = keys_of(folder, ".".join(labels[start:]))
        signing = [each.key for each in among if status(each, among, at) == "signs"]
        if signing:
            return signing
    return []


def _labels(domain: str) -> list[str]:
    try:
        return wire_domain(domain).split(".")
    except BadAddress:
        return []
