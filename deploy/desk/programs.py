"""What runs at the desk, each with the settings and the databases of its process only."""

import os
import secrets
import sys
from collections.abc import Callable

from deploy.desk.layout import Layout
from deploy.desk.supervisor import ROOT, Program

# The databases' addresses of one process: deploy.databases.environment with its places filled.
Databases = Callable[[str], dict[str, str]]

WORKER_STOP_SECONDS = 10.0


def settings_of(process: str, *, layout: Layout, databases: Databases) -> dict[str, str]:
    """Return the whole environment of a process of ours."""
    secret = layout.secrets / "django.key"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    inherited = {k: v for k, v in os.environ.items() if not k.endswith(("_DSN", "_DSN_FILE"))}
    mine = {
        "ACCORD_HOME": str(layout.home),
        "ACCORD_SECRET_KEY_FILE": str(secret),
        "ACCORD_PUBLIC_URL": layout.public_url,
        "ACCORD_STAFF_URL": layout.staff_url,
        "ACCORD_RELAY_URL": layout.relay_url,
        "ACCORD_BROKER_URL": layout.broker_url,
        "PYTHONUNBUFFERED": "1",
    }
    return {**_COMPANY, **inherited, **mine, **databases(process)}


# Whose desk it is until its settings say otherwise: the company of the demonstration.
_COMPANY = {
    "ACCORD_ORGANISATION_NAME": "Nordelia",
    "ACCORD_ORGANISATION_ADDRESS": "12 quai des Ateliers, 44000 Nantes",
    "ACCORD_DPO_ADDRESS": "dpo@nordelia.example",
    "ACCORD_SENDER_ADDRESS": "lettre@nordelia.example",
}


def programs(*, layout: Layout, databases: Databases) -> list[Program]:
    """Return the programs of the desk; `stop_order` is web and search, beat, worker, mail."""
    return [
        _web("public", layout=layout, databases=databases),
        _web("staff", layout=layout, databases=databases),
        _search(layout=layout, databases=databases),
        _returns(layout=layout, databases=databases),
        _worker(layout=layout, databases=databases),
        _beat(layout=layout, databases=databases),
        _mail(layout=layout),
    ]


def _web(name: str, *, layout: Layout, databases: Databases) -> Program:
    port = layout.ports[name]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:deploy.web_server"]
    command += ["deploy.wsgi", "--threads", "4"]
    command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    command += ["--graceful-timeout", "4", "--log-level", "warning"]
    environment = settings_of(name, layout=layout, databases=databases)
    return Program(name, command, environment, ports=(port,), health="/health", stop_order=0)


def _search(*, layout: Layout, databases: Databases) -> Program:
    # Nobody waits for it: it answers at once, and says how far it is with reading everybody.
    command = [sys.executable, str(ROOT / "manage.py"), "search"]
    environment = settings_of("search", layout=layout, databases=databases)
    return Program("search", command, environment, stop_order=0)


def _returns(*, layout: Layout, databases: Databases) -> Program:
    # At the desk nothing comes back by itself: a mail server, or a test, hands mail to its port.
    command = [sys.executable, str(ROOT / "manage.py"), "returns"]
    environment = settings_of("returns", layout=layout, databases=databases)
    port = layout.ports["lmtp"]
    environment.setdefault("ACCORD_RETURNS_LISTEN", f"127.0.0.1:{port}")
    ports = (port,) if environment["ACCORD_RETURNS_LISTEN"].endswith(f":{port}") else ()
    return Program("returns", command, environment, ports, stop_order=0)


def _worker(*, layout: Layout, databases: Databases) -> Program:
    # Processes, not threads: an opt-out must not wait for the interpreter while a newsletter is
    # rendered, a crash in a compiled library takes one task with it, and it is what production
    # runs. No mingle, gossip or heartbeat: there is one worker, and a folder to talk through.
    command = [*_celery(), "worker", "--pool", "prefork", "--concurrency", "2"]
    command += ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    command += ["--loglevel", _log_level(layout), "--hostname", "worker@desk"]
    environment = settings_of("worker", layout=layout, databases=databases)
    # kombu takes a message by moving it to the temporary folder: on the same disk, ours alone.
    environment["TMPDIR"] = str(layout.broker / "tmp")
    return Program("worker", command, environment, stop_order=2, stop_seconds=WORKER_STOP_SECONDS)


def _beat(*, layout: Layout, databases: Databases) -> Program:
    command = [*_celery(), "beat", "--schedule", str(layout.home / "beat.schedule")]
    command += ["--loglevel", _log_level(layout)]
    environment = settings_of("beat", layout=layout, databases=databases)
    return Program("beat", command, environment, stop_order=1)


def _log_level(layout: Layout) -> str:
    return layout.given.get("ACCORD_LOG_LEVEL", "INFO")


def _celery() -> list[str]:
    # Celery warns root at length at every start; the desk runs for one person on one machine.
    quiet = ["-W", "ignore:You're running the worker with superuser"] if os.geteuid() == 0 else []
    command = [sys.executable, *quiet, "-m", "celery", "--quiet", "--skip-checks"]
    return [*command, "--app", "deploy.celery"]


def _mail(*, layout: Layout) -> Program:
    command = [sys.executable, "-m", "deploy.mail_catcher", "--folder", str(layout.home / "mail")]
    command += ["--smtp-port", str(layout.ports["smtp"]), "--page-port", str(layout.ports["mail"])]
    command += ["--public-url", layout.public_url]
    # It reads mail and nothing else: no key, no database, no setting of ours.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
    ports = (layout.ports["mail"], layout.ports["smtp"])
    return Program(
        "mail", command, environment | {"PYTHONUNBUFFERED": "1"}, ports, "/", stop_order=3
    )
