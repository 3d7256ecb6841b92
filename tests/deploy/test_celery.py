"""The Celery application: a failed task is logged without what it was about."""

import logging
from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer

from deploy.celery import app
from deploy.logs import WithoutValues


def test_a_failed_task_is_logged_by_class_and_place_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = Celery("other", set_as_current=False)

    @other.task(name="campaigns.fail", ignore_result=True)
    def fail() -> None:
        raise ValueError("Key (email)=(alice@example.org) already exists.")

    with caplog.at_level(logging.INFO):
        tracer: Any = build_tracer(fail.name, fail, app=other)
        tracer("an-id", (), {})
    line = WithoutValues().format(caplog.records[-1])
    assert "campaigns.fail: ValueError at test_celery.py:" in line
    assert "alice" not in line
    assert "Traceback" not in line


def test_every_bell_of_beat_has_a_task_that_answers() -> None:
    app.loader.import_default_modules()
    assert set(app.conf.beat_schedule) <= set(app.tasks)
