"""A log that can only grow, and shows it: Merkle tree, signed heads, and the folder they live in.

Nothing here knows what the entries are. Format: docs/formats/ledger.md.
"""
