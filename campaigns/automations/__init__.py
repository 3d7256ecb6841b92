"""Sequences: what happens to a person step by step (docs/sequences.md)."""
