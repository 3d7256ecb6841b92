"""What makes a document that leaves the house checkable: entries, their proofs, a signature.

The canonical header goes in word for word, so that an outsider makes the entry hash anew; the
log's head and the way to it show that the entry was there. Format: docs/formats/receipts.md.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from consent.entries import canonical
from consent.models import LedgerEvent
from consent.sealing import ledger_signer, proof_of
from privacy.services import Proof

Document = dict[str, Any]
RECEIPT, PACK = b"accord-receipt/1\n", b"accord-proof/1\n"


def ledger_part(rows: Sequence[LedgerEvent]) -> Document:
    """Return the entries of rows with their proofs of inclusion, the heads, and the key.

    A row that no head signs yet is in it without a proof, and says so.
    """
    proofs = proof_of(seqs=[row.seq for row in rows])
    heads = {proof.tree_size: proof.checkpoint for proof in proofs.values()}
    return {
        "format": "accord-ledger/1",
        "key": str(ledger_signer().verifier),
        "checkpoints": [heads[size] for size in sorted(heads)],
        "entries": [_entry(row, proofs.get(row.seq)) for row in rows],
    }


def _entry(row: LedgerEvent, proof: Proof | None) -> Document:
    entry: Document = {
        "record": str(row.record_id),
        "seq": row.seq,
        "header": canonical(row).decode(),
        "entry_hash": bytes(row.entry_hash).hex(),
        "sealed": proof is not None,
    }
    if row.layout == 1:
        # Its hash is made over the ciphertext itself; nobody can read that without the key.
        entry["evidence"] = b64encode(bytes(row.evidence or b"")).decode()
    if proof is not None:
        entry["index"], entry["tree_size"] = proof.index, proof.tree_size
        entry["hashes"] = [b64encode(each).decode() for each in proof.hashes]
    return entry


def plain_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the one spelling of a document that is signed: sorted names, no blanks, UTF-8."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def with_signature(document: Mapping[str, Any], *, prefix: bytes) -> Document:
    """Return the document with a detached signature by the log's key.

    The prefix keeps the kinds apart: a receipt's signature fits no head and no proof pack.
    """
    signer = ledger_signer()
    value = b64encode(signer.attest(prefix + plain_bytes(document))).decode()
    return {**document, "signature": {"key": str(signer.verifier), "value": value}}


def readable_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a document as a file that people can open too; the verifier respells it."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
