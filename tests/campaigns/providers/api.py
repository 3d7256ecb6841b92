"""A provider's web API on a loopback port: it keeps what it is asked, and answers by a script."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = 0
Answer = tuple[int, Any]


@dataclass
class Api:
    """`answer` gets the number of the request, from 1; DROP hangs up after reading it."""

    yes: Callable[[int, Any], Answer]
    answer: Callable[[int, Any], Answer | None] = lambda _number, _body: None
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    accepted: list[Any] = field(default_factory=list)
    port: int = 0


def brevo_yes(number: int, _body: Any) -> Answer:
    return 201, {"messageId": f"<2026{number:04}@smtp-relay.brevo.example>"}


def mailjet_yes(number: int, body: Any) -> Answer:
    email = body["Messages"][0]["To"][0]["Email"]
    to = {"Email": email, "MessageUUID": "u", "MessageID": 1000 + number, "MessageHref": ""}
    return 200, {"Messages": [{"Status": "success", "To": [to], "Cc": [], "Bcc": []}]}


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api.asked.append((self.path, dict(self.headers), body))
            number = len(api.asked)
            answer = api.answer(number, body) or api.yes(number, body)
            if answer[0] == DROP:
                self.close_connection = True
                self.connection.close()
                return
            if answer[0] < 300:
                api.accepted.append(body)
            self._reply(*answer)

        def _reply(self, status: int, document: Any) -> None:
            raw = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: it would print addresses."""

    return Handler


@contextmanager
def serving(yes: Callable[[int, Any], Answer]) -> Iterator[Api]:
    api = Api(yes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
