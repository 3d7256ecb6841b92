"""The filesystem broker's folder does not grow: bells expire, and expired ones go."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings

from deploy.desk.broker_folder import remove_expired
from tests.conftest import NOW


def _app(folder: Path) -> Celery:
    for name in ("queue", "control"):
        (folder / name).mkdir()
    app = Celery("bells", broker="filesystem://localhost")
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    }
    return app


def test_expired_bells_are_removed_and_the_others_stay(tmp_path: Path) -> None:
    app, queue = _app(tmp_path), tmp_path / "queue"
    app.send_task("old", expires=NOW - timedelta(seconds=1))
    app.send_task("fresh", expires=NOW + timedelta(seconds=1))
    app.send_task("for ever")
    (queue / "half.celery.msg").write_text('{"body": ')
    assert remove_expired(queue, now=NOW) == 1
    assert remove_expired(queue, now=NOW) == 0
    left = [json.loads(path.read_text()) for path in queue.glob("[0-9]*.msg")]
    assert {message["headers"]["task"] for message in left} == {"fresh", "for ever"}
    assert (queue / "half.celery.msg").exists()


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert remove_expired(tmp_path / "queue", now=NOW) == 0


def test_every_bell_of_beat_expires_just_after_the_next_one() -> None:
    schedule: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    for entry in schedule.values():
        assert entry["schedule"] < entry["options"]["expires"] <= entry["schedule"] + 1
