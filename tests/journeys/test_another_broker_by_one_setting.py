"""The same worker on Redis: nothing but the broker's address is different."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from celery import current_app
from kombu import Connection

from deploy.embedded.postgres import free_port, is_free
from tests.journeys import acts
from tests.journeys.stage import ROOT, Stage, wait_for
from tests.needs import REDIS


@pytest.fixture
def redis_url() -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(REDIS)
        pytest.skip(REDIS)
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]
    process = subprocess.Popen([*command, "--appendonly", "no"], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: not is_free(port), "Redis to start")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def worker_on(stage: Stage, url: str) -> Iterator[None]:
    """The stage's worker, but for its broker; beat is away, so that only our bell rings."""
    stage.stop_one("beat")
    stage.stop_one("worker")
    command = [*stage.celery, "worker", "--concurrency", "1", "--loglevel", "INFO"]
    with (stage.home / "worker-redis.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**stage.environment("worker"), "ACCORD_BROKER_URL": url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        stage.start("worker")
        stage.start("beat")


def test_a_bell_on_redis_is_answered(stage: Stage, redis_url: str) -> None:
    form = acts.publish_form()
    with worker_on(stage, redis_url):
        assert acts.post_lead(stage, form, f"{uuid4().hex}@example.org").status_code == 202
        assert acts.arrivals(form) == []
        with Connection(redis_url) as connection:
            current_app.send_task("forms_intake.receive", connection=connection)
        assert len(acts.wait_for_leads(form, 1)) == 1
