"""Typed readers of the environment. They fail loudly, and `NAME_FILE` names a file holding NAME."""

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_REQUIRED = object()
_CODE = re.compile(r"[a-z][a-z0-9_]{0,30}")


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


def relay_addresses(name: str) -> dict[str, str]:
    """Return code -> address for the codes listed under `name`; each address is a secret of its
    own, in ACCORD_RELAY_URL_ and the code."""
    codes = listing(name)
    for code in codes:
        if not _CODE.fullmatch(code) or code == "default":
            raise ImproperlyConfigured(
                f"{name} lists names like north or brevo_eu, and not {code!r}."
            )
    return {code: text(f"ACCORD_RELAY_URL_{code.upper()}") for code in codes}


def choice(name: str, default: str, among: set[str]) -> str:
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(sorted(among))}, not {value!r}.")
    return value


def web_address(name: str, *, required: bool) -> str:
    """Return an https address, or http of this machine: what travels there is secret."""
    value = text(name) if required else text(name, "")
    if not value:
        return value
    if not _is_safe(value):
        raise ImproperlyConfigured(
            f"{name} must be like https://keys.example.org:8200; http only to this machine."
        )
    return value.rstrip("/")


def _is_safe(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
