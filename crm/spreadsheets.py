"""Cells that a spreadsheet programme takes as they are."""

# OWASP, CSV injection; the wide forms are read as formulas too where they are usual.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_text(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before it."""
    return f"'{value}" if value.startswith(_BEGINS_FORMULA) else value
