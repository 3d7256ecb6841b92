"""The Celery application. A task is a doorbell: it carries ids, PostgreSQL holds the truth."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import after_setup_logger, beat_init, celeryd_init

from deploy import broker  # noqa: F401  # puts our filesystem transport in kombu's list
from deploy.logs import NothingOfOthers, WithoutValues, keep_values_out_of_last_words

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

RARE_SECONDS = 60
# A bell rings every second: a line each would bury what matters.
_CHATTY = ("celery.worker.strategy", "celery.worker.request", "celery.app.trace", "celery.beat")

app = Celery("accord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["privacy", "consent", "crm", "forms_intake", "campaigns"])


@celeryd_init.connect
@beat_init.connect
def speak_of_no_value(**kwargs: Any) -> None:
    keep_values_out_of_last_words()


@after_setup_logger.connect
def keep_our_formatter(**kwargs: Any) -> None:
    """Give it to the handlers that Celery makes for itself too: billiard's, and its own root's."""
    for name in ("", "celery", "celery.task", "celery.redirected", "multiprocessing"):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(WithoutValues())
            handler.addFilter(NothingOfOthers())


@beat_init.connect
def ring_rare_bells(**kwargs: Any) -> None:
    """Ring the rare bells when beat starts: the machine may have been off for days."""
    for entry in app.conf.beat_schedule.values():
        if entry["schedule"] >= RARE_SECONDS:
            app.send_task(entry["task"], **entry["options"])


for name in _CHATTY:
    logging.getLogger(name).setLevel(logging.WARNING)
