"""What is logged, whoever writes it: our own sentences, and of the others no value at all.

A library that fails says what it failed on: PostgreSQL quotes the row, Django the address that was
asked for, Celery the body of a message that nobody knows. Our own loggers are held to ids by tests.
Of everybody else a line keeps which logger it was, the template without its values, the class of
an error and the places it came through. See docs/logs.md.
"""

import logging
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured

OURS = ("deploy", "privacy", "consent", "crm", "forms_intake", "campaigns")
# What these say at INFO is about processes alone: who started, and where the broker is.
SPEAKING = ("celery.apps.worker", "celery.worker.consumer.connection", "celery.bootsteps")
REQUESTS = "django.request"
PLACES_SHOWN = 12
CAUSES_SHOWN = 4


def _is_of(name: str, loggers: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in loggers)


class NothingOfOthers(logging.Filter):
    """Lets what is not ours through from WARNING on only, whatever level somebody has set.

    At DEBUG a library tells what it works on: dkimpy prints headers, Celery arguments.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_of(record.name, OURS):
            return True
        least = logging.INFO if _is_of(record.name, SPEAKING) else logging.WARNING
        return record.levelno >= least


class WithoutValues(logging.Formatter):
    """One line a record: level, logger, what may be said of it, and where an error came from."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname:<7} {record.name} {sentence(record)}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{line}: {told(error)}" if error is not None else line


def sentence(record: logging.LogRecord) -> str:
    """Return what may be said of a record; the values of a foreign one stay out."""
    if _is_of(record.name, OURS) or _is_of(record.name, SPEAKING):
        return record.getMessage()
    place = f"{Path(record.pathname).name}:{record.lineno}"
    if record.name == REQUESTS:
        return f"{getattr(record, 'status_code', '?')} {_route(record)}"
    if record.name == "celery.app.trace":
        return str((getattr(record, "data", None) or {}).get("name", "?"))
    # Without arguments the message was put together before: the values are in it.
    template = str(record.msg).strip().partition("\n")[0] if record.args else "a message"
    return f"{template} in {place}"


def _route(record: logging.LogRecord) -> str:
    """Return the pattern of the address that was asked for: the address may hold a person's."""
    request = getattr(record, "request", None)
    match = getattr(request, "resolver_match", None)
    return f"{getattr(request, 'method', '?')} {match.route if match else 'an unknown address'}"


def told(error: BaseException) -> str:
    """Return the class of an error, its causes and the places it came through; no value of it."""
    parts: list[str] = []
    # billiard wraps what ended a process of the pool.
    wrapped = getattr(error, "exc", None)
    one: BaseException | None = wrapped if isinstance(wrapped, BaseException) else error
    while one is not None and len(parts) < CAUSES_SHOWN:
        parts.append(f"{type(one).__name__}{_of_the_database(one)} at {_places(one.__traceback__)}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return ", after ".join(parts)


def _of_the_database(error: BaseException) -> str:
    """Return what PostgreSQL calls it: its code and the names of things, never their content."""
    if not isinstance(error, psycopg.Error):
        return ""
    named = (error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
    said = " ".join(str(each) for each in (error.sqlstate, *named) if each)
    return f" ({said})" if said else ""


def _places(step: TracebackType | None) -> str:
    found: list[str] = []
    while step is not None:
        code = step.tb_frame.f_code
        found.append(f"{Path(code.co_filename).name}:{step.tb_lineno}")
        step = step.tb_next
    if not found:
        return "an unknown place"
    # The innermost place first: it is what one looks for.
    return " < ".join(reversed(found[-PLACES_SHOWN:]))


def last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say what ended a process, in place of Python's traceback with the error's own words."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(f"ERROR   deploy.logs ended by {told(error.with_traceback(trace))}\n")
    if isinstance(error, ImproperlyConfigured):
        # Our own sentence about a setting: it names the setting and what to write, no value.
        sys.stderr.write(f"{error}\n")


def keep_values_out_of_last_words() -> None:
    """Let no error that nobody caught print itself, in this process and its threads."""
    sys.excepthook = last_words
    # A warning prints what it is about; as a record it loses that on its way.
    logging.captureWarnings(True)

    def of_a_thread(args: Any) -> None:
        if args.exc_value is not None:
            last_words(args.exc_type, args.exc_value, args.exc_traceback)

    threading.excepthook = of_a_thread
