"""The process `returns`: takes mail by LMTP, empties a mailbox, or both. It holds no key."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.conf import settings

from campaigns.returns import listening, mailbox
from campaigns.returns.listening import Listen
from campaigns.returns.mailbox import Mailbox

logger = logging.getLogger("campaigns.returns")


class NothingToDo(Exception):
    """Neither ACCORD_RETURNS_LISTEN nor ACCORD_RETURNS_IMAP is set."""


def run() -> None:
    """Take in what comes back until SIGTERM or SIGINT.

    Raises NothingToDo, BadListen, BadMailbox, and OSError when the port is taken.
    """
    listen = Listen.parse(settings.RETURNS_LISTEN) if settings.RETURNS_LISTEN else None
    box = Mailbox.parse(settings.RETURNS_IMAP) if settings.RETURNS_IMAP else None
    if listen is None and box is None:
        raise NothingToDo(NothingToDo.__doc__)
    asyncio.run(_run(listen, box))


async def _run(listen: Listen | None, box: Mailbox | None) -> None:
    ending, ready = asyncio.Event(), asyncio.Event()
    listening.end_on_signals(ending)
    async with asyncio.TaskGroup() as tasks:
        if listen is not None:
            tasks.create_task(listening.serve(listen, ending=ending, ready=ready))
        if box is not None:
            tasks.create_task(_visit_for_ever(box, ending))


async def _visit_for_ever(box: Mailbox, ending: asyncio.Event) -> None:
    """One visit after the other, in a thread of its own: it keeps its database connection."""
    visitor = ThreadPoolExecutor(1, thread_name_prefix="mailbox")
    while not ending.is_set():
        await asyncio.get_running_loop().run_in_executor(visitor, mailbox.visit, box)
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), settings.RETURNS_IMAP_SECONDS)
