"""Leads per second through the public process: checked, sealed, kept twice, answered."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from benchmarks import load
from benchmarks.ground import ROOT, Ground, Line, table
from deploy.embedded.postgres import free_port

LEADS, CONNECTIONS, ROUNDS = 3_000, 8, 3


@contextmanager
def _serve(application: str, environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", application, "--threads", "4"]
    command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The server did not start.")


def _form() -> dict[str, Any]:
    from django.utils import timezone

    from consent import services as consent
    from deploy.demo import words
    from forms_intake import services as forms_intake
    from forms_intake.models import PublishedForm
    from privacy.services import refresh_sealing_key

    now = timezone.now()
    refresh_sealing_key(now=now)
    consent.seed_purposes(now=now)
    version = consent.publish_notice(
        code=words.NOTICE_CODE, texts=words.NOTICE_OPENING, is_substantive=True, now=now
    )
    name, draft = words.forms(notice_version=version)["contact"]
    made = forms_intake.create_form(code="contact", name=name, draft=draft, now=now)
    forms_intake.publish_version(version_id=made, now=now)
    forms_intake.project_forms(now=now)
    document: dict[str, Any] = PublishedForm.objects.get(code="contact").document
    return document


def _leads(form: dict[str, Any]) -> list[bytes]:
    shown = form["notices"]["fr"]
    notice = {part: shown[part] for part in ("id", "version", "language", "sha256")}
    return [
        load.request(
            "/api/v1/forms/contact/submissions",
            json.dumps(
                {
                    "language": "fr",
                    "form_version": form["version"],
                    "notice": notice,
                    "fields": {
                        "email": f"person{number}@example.org",
                        "given_name": "Camille",
                        "family_name": "Martin",
                        "company": "Atelier Martin",
                        "message": "Bonjour, pouvez-vous me rappeler le prix pour cinq postes ?",
                    },
                    "consents": ["newsletter:email"],
                    "objections": [],
                }
            ).encode(),
            {
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid4()),
                # Each from a network of its own: the limits are not what is measured.
                "X-Forwarded-For": f"10.{number % 250}.{number // 250}.1",
            },
        )
        for number in range(LEADS)
    ]


def run(ground: Ground) -> None:
    form = _form()
    environment = ground.environment("public") | {
        "ACCORD_PUBLIC_PROXIES": "127.0.0.1/32",
        "ACCORD_FORMS_PER_FORM": "1000000",
    }
    owner = ground.environment("owner")["ACCORD_INTAKE_DSN"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, body bytea)")
    bare_environment = {**os.environ, "BARE_DSN": owner}
    ours, floor = [], []
    with (
        _serve("deploy.wsgi", environment) as port,
        _serve("benchmarks.bare", bare_environment) as bare_port,
    ):
        for _ in range(ROUNDS):  # taking turns, so that both meet the same machine
            leads = _leads(form)
            bodies = [lead.partition(b"\r\n\r\n")[2] for lead in leads]
            plain = [load.request("/bare", body, {}) for body in bodies]
            floor.append(load.rate(bare_port, plain, connections=CONNECTIONS, status=b"202"))
            ours.append(load.rate(port, leads, connections=CONNECTIONS, status=b"202"))
    best, base = max(ours), max(floor)
    table(
        f"intake: best of {ROUNDS} rounds of {LEADS:,} leads, {CONNECTIONS} connections",
        [
            Line("a bare Django view with one INSERT", base, "requests/s", "the floor"),
            Line(
                "a lead, sealed and kept twice", best, "leads/s", f"{best / base:.2f} x the floor"
            ),
        ],
    )
