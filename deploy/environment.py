"""Typed readers of the environment. They fail loudly, and `NAME_FILE` names a file holding NAME."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_REQUIRED = object()


def text(name: str, default: str | object = _REQUIRED) -> str:
    """Return the setting; raises ImproperlyConfigured, saying what to write, if it is missing."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if not isinstance(value, str):
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): see docs/settings.md.")
    return value


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def flag(name: str, default: bool) -> bool:
    value = text(name, "yes" if default else "no").lower()
    if value not in {"yes", "no"}:
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")
    return value == "yes"


def listing(name: str, default: str = "") -> list[str]:
    return [item for item in (part.strip() for part in text(name, default).split(",")) if item]
