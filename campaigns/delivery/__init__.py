"""Sending what was launched: claim, prepare, gate, hand over, record."""
