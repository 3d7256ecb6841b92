"""The Celery application. A task is a doorbell: it carries ids, PostgreSQL holds the truth."""

import logging
import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init

from deploy import broker  # noqa: F401  # puts our filesystem transport in kombu's list

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

RARE_SECONDS = 60
# A bell rings every second: a line each would bury what matters.
_CHATTY = ("celery.worker.strategy", "celery.worker.request", "celery.app.trace", "celery.beat")

app = Celery("accord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["privacy", "consent", "crm", "forms_intake", "campaigns"])


class WithoutValues(logging.Filter):
    """Takes the message and the traceback out of a failed task's line.

    The database quotes the row in its errors, which is personal data; class and place are enough
    to find the mistake.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            task = (getattr(record, "data", None) or {}).get("name", "?")
            record.msg, record.args = "%s: %s at %s", (task, type(error).__name__, _place(error))
            record.exc_info = record.exc_text = None
        return True


def _place(error: BaseException) -> str:
    """Return file and line where the error was raised."""
    step = error.__traceback__
    if step is None:
        return "an unknown place"
    while step.tb_next is not None:
        step = step.tb_next
    return f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}"


@beat_init.connect
def ring_rare_bells(**kwargs: Any) -> None:
    """Ring the rare bells when beat starts: the machine may have been off for days."""
    for entry in app.conf.beat_schedule.values():
        if entry["schedule"] >= RARE_SECONDS:
            app.send_task(entry["task"], **entry["options"])


for name in _CHATTY:
    logging.getLogger(name).setLevel(logging.WARNING)
logging.getLogger("celery.app.trace").addFilter(WithoutValues())
