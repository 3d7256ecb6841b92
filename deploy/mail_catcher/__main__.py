"""`python -m deploy.mail_catcher`: an SMTP server and a page to read what it was handed."""

import logging
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from deploy.mail_catcher.mailbox import LIMIT, Mailbox
from deploy.mail_catcher.page import Page
from deploy.mail_catcher.receiver import controller


class Handler(WSGIRequestHandler):
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: addresses searched for stand in the request line."""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The standard one asks the DNS for its own name, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])
        self.setup_environ()


def main() -> None:
    parser = ArgumentParser(prog="deploy.mail_catcher", description=__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="where mails are kept")
    parser.add_argument("--smtp-port", required=True, type=int)
    parser.add_argument("--page-port", required=True, type=int)
    parser.add_argument("--public-url", required=True, help="where one-click opt-outs may go")
    parser.add_argument("--limit", type=int, default=LIMIT, help="how many mails are kept")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)-7s %(name)s %(message)s")
    # It logs addresses and commands at INFO, and asyncio its selector.
    logging.getLogger("mail.log").setLevel(logging.ERROR)

    mailbox = Mailbox(options.folder, limit=options.limit)
    smtp = controller(mailbox, port=options.smtp_port)
    page = Server(("127.0.0.1", options.page_port), Handler)
    page.set_app(Page(mailbox, port=options.page_port, public_url=options.public_url))

    def end(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which this very thread is in.
        threading.Thread(target=page.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    smtp.start()
    try:
        page.serve_forever(poll_interval=0.1)
    finally:
        smtp.stop()
        page.server_close()


if __name__ == "__main__":
    main()
