"""A line of a log says where something went wrong, and never what about."""

import logging
import subprocess
import sys
from types import SimpleNamespace

import psycopg
import pytest

from deploy.logs import NothingOfOthers, WithoutValues, told
from tests import plugin

VALUE = "alice@example.org"


def _line(name: str, message: str, *args: object, error: BaseException | None = None) -> str:
    about = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.ERROR, "/x/y.py", 7, message, args, about)
    return WithoutValues().format(record)


def _raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_our_own_sentence_is_kept_whole() -> None:
    assert _line("privacy.vault", "document of %s", "a-subject").endswith("document of a-subject")


@pytest.mark.parametrize("arguments", [(VALUE,), ()])
def test_of_a_library_the_template_is_kept_and_no_value(arguments: tuple[str, ...]) -> None:
    template = "Received: %s" if arguments else f"Received: {VALUE}"
    line = _line("celery.worker.consumer.consumer", template, *arguments)
    assert VALUE not in line
    assert "celery.worker.consumer.consumer" in line and "y.py:7" in line


def test_an_error_keeps_class_cause_and_place() -> None:
    error = _raised(ValueError(VALUE), _raised(KeyError(VALUE)))
    for name in ("crm", "django.request", "gunicorn.error"):
        line = _line(name, "Broken", error=error)
        assert "ValueError at test_logs.py" in line and "after KeyError" in line
        assert VALUE not in line and "\n" not in line


def test_a_request_is_named_by_its_pattern() -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "x.py", 1, "Not Found: %s", (f"/contacts/{VALUE}",), None
    )
    match = SimpleNamespace(route="contacts/<uuid:contact_id>/")
    record.request = SimpleNamespace(method="GET", resolver_match=match)
    record.status_code = 404
    line = WithoutValues().format(record)
    assert line.endswith("404 GET contacts/<uuid:contact_id>/")
    record.request = SimpleNamespace(method="GET", resolver_match=None)
    assert WithoutValues().format(record).endswith("404 GET an unknown address")


def test_an_error_of_the_database_keeps_its_code_and_the_names_of_things() -> None:
    with psycopg.connect(plugin.CLUSTER.dsn(database="postgres")) as connection:
        connection.execute("CREATE TEMP TABLE seen (name text, CONSTRAINT once UNIQUE (name))")
        connection.execute("INSERT INTO seen VALUES (%s)", [VALUE])
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            connection.execute("INSERT INTO seen VALUES (%s)", [VALUE])
    assert VALUE in str(caught.value)
    line = told(caught.value)
    assert "23505 seen once" in line and VALUE not in line


@pytest.mark.parametrize(
    ("name", "level", "is_kept"),
    [
        ("crm.imports", logging.DEBUG, True),
        ("crmx", logging.INFO, False),
        ("dkim", logging.DEBUG, False),
        ("django.request", logging.WARNING, True),
        ("celery.worker.strategy", logging.INFO, False),
        ("celery.apps.worker", logging.INFO, True),
        ("celery.apps.worker", logging.DEBUG, False),
    ],
)
def test_what_is_not_ours_speaks_from_warning_on(name: str, level: int, is_kept: bool) -> None:
    record = logging.LogRecord(name, level, "x.py", 1, "x", (), None)
    assert NothingOfOthers().filter(record) is is_kept


def test_a_process_that_breaks_says_no_value_of_it() -> None:
    program = (
        "from deploy.logs import keep_values_out_of_last_words as keep; import threading; keep()\n"
        f"def fail(): raise ValueError('{VALUE}')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=plugin.ROOT,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("ended by ValueError at <string>:2") == 2
    assert VALUE not in done.stdout + done.stderr
