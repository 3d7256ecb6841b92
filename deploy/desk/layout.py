"""Where the desk keeps its files and answers: read once from the environment."""

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = {
    "public": ("ACCORD_PUBLIC_PORT", 8000),
    "staff": ("ACCORD_STAFF_PORT", 8001),
    "smtp": ("ACCORD_SMTP_PORT", 2525),
    "mail": ("ACCORD_MAIL_PORT", 8025),
    "lmtp": ("ACCORD_LMTP_PORT", 8024),
}


class BadPort(ValueError):
    """A port is not a number between 1 and 65535; the text names the setting."""


@dataclass(frozen=True)
class Layout:
    """The home folder, the ports and the addresses of one desk."""

    home: Path
    ports: dict[str, int]
    given: dict[str, str] = field(repr=False)

    @classmethod
    def read(cls) -> "Layout":
        """Raises BadPort."""
        given = {name: value for name, value in os.environ.items() if name.startswith("ACCORD_")}
        home = Path(given.get("ACCORD_HOME", ROOT / "var")).resolve()
        ports = {name: _port(given, *where) for name, where in PORTS.items()}
        return cls(home, ports, given)

    @property
    def public_url(self) -> str:
        return self.given.get("ACCORD_PUBLIC_URL") or self._local("public")

    @property
    def staff_url(self) -> str:
        return self.given.get("ACCORD_STAFF_URL") or self._local("staff")

    @property
    def mail_url(self) -> str:
        return self._local("mail")

    @property
    def relay_url(self) -> str:
        return self.given.get("ACCORD_RELAY_URL") or f"smtp://127.0.0.1:{self.ports['smtp']}"

    @property
    def broker_url(self) -> str:
        # With the bare scheme kombu warns at every connection that no host was named.
        return self.given.get("ACCORD_BROKER_URL") or "filesystem://localhost"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def broker(self) -> Path:
        return self.home / "broker"

    @property
    def sign_in_file(self) -> Path:
        return self.secrets / "first-sign-in.json"

    def _local(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def make_folders(self) -> None:
        # PostgreSQL's unprivileged user must be able to cross the home itself; nothing below it.
        self.home.mkdir(parents=True, exist_ok=True, mode=0o755)
        (self.home / "static").mkdir(exist_ok=True, mode=0o755)
        broker = (self.broker, self.broker / "queue", self.broker / "tmp")
        for private in (self.secrets, *broker, self.home / "mail"):
            private.mkdir(exist_ok=True, mode=0o700)


def _port(given: dict[str, str], setting: str, usual: int) -> int:
    try:
        port = int(given.get(setting, usual))
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise BadPort(f"{setting} must be a port between 1 and 65535.")
    return port
