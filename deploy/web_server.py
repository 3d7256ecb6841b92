"""How gunicorn logs and refuses: it quotes neither addresses nor what was sent.

By itself it writes the address asked for, the client and a broken header into its log, and shows
the header back. `gunicorn --config python:deploy.web_server deploy.wsgi`
"""

import sys
from http import HTTPStatus
from ssl import SSLError
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

from deploy.logs import told

# --- gunicorn's settings, by their names there ------------------------------------------------
worker_class = "deploy.web_server.QuietWorker"
logger_class = "deploy.web_server.QuietLogger"
# No client, no address, no query, no referrer: a method, a status, bytes and microseconds.
access_log_format = "%(m)s %(s)s %(b)s %(D)s"
# A log in the words of DEBUG is of no use that would outweigh what stands in it.
loglevel = "info"
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190


class QuietLogger(Logger):
    """gunicorn's logger, without the errors' own words."""

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        error = sys.exc_info()[1]
        said = told(error) if error is not None else "nothing"
        self.error_log.error("A request broke the server: %s", said)

    def debug(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Say nothing: at this level stand the addresses that were asked for."""


class QuietWorker(ThreadWorker):
    """Answers what is no HTTP with a status alone."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:
        is_theirs = isinstance(exc, ParseException | SSLError)
        status = STATUSES.get(type(exc).__name__, 400) if is_theirs else 500
        self.log.warning("%s, answered with %s", told(exc), status)
        try:
            util.write_nonblock(client, _answer(status))
        except OSError:
            self.log.info("Whoever sent it is gone.")


STATUSES = {
    "ExpectationFailed": 417,
    "LimitRequestHeaders": 431,
    "LimitRequestLine": 414,
    "UnsupportedTransferCoding": 501,
}


def _answer(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(phrase) + 1}",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{phrase}\n").encode("ascii")
