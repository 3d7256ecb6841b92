"""What Postfix knows of a message: its log, and its queue.

Postfix names a message in three places. `cleanup` writes its Message-ID beside the queue id as
soon as it has read the header, which is before the message is safe; `qmgr` writes `from=` once it
is in the queue, which it is before the client gets its 250 (mail_stream.c: the file is synced
first); and `postqueue -j` lists what is there now. So the second line, or the list, proves that
the relay took the message, and the first line alone proves nothing.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

_LINE = re.compile(
    rb"^(?P<at>\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ "
    rb"postfix(?:-\w+)?/(?P<program>[\w/-]+)\[\d+\]: (?P<words>.*)$"
)
_NAMED = re.compile(rb"^(?P<queue_id>[0-9A-Za-z]+): message-id=(?P<message_id><[^>]{1,200}>)")
_QUEUED = re.compile(rb"^(?P<queue_id>[0-9A-Za-z]+): (?:from=<|removed)")
_QUEUE_ID_SHAPE = re.compile(r"[0-9A-Za-z]{5,40}")
# The relay stopped or began: what it had not written down by then is not known.
_BREAKS = (b"daemon started", b"terminating on signal")
_QUEUE_SECONDS = 30


class NoEvidence(Exception):
    """The relay's log or its queue cannot be read."""


@dataclass
class Reading:
    """One look at the log, for some messages."""

    began_at: datetime | None = None
    ended_at: datetime | None = None
    breaks: list[datetime] = field(default_factory=list)
    # Message-ID -> queue id, of what is in the queue for certain.
    accepted: dict[str, str] = field(default_factory=dict)
    # Queue id -> Message-ID, of what was announced.
    announced: dict[str, str] = field(default_factory=dict)

    def covers(self, since: datetime, until: datetime) -> bool:
        """Whether everything between two moments would be in the log, had it happened."""
        if self.began_at is None or self.ended_at is None:
            return False
        is_whole = self.began_at <= since and self.ended_at >= until
        return is_whole and not any(since <= at for at in self.breaks)


def read_log(path: Path, *, message_ids: Set[str], now: datetime) -> Reading:
    """Look for messages in a log. Bounded memory: a line at a time. Raises NoEvidence."""
    reading = Reading()
    try:
        with path.open("rb") as lines:
            for line in lines:
                if found := _LINE.match(line.rstrip(b"\n")):
                    _take(reading, found, message_ids, now)
    except OSError as error:
        raise NoEvidence(type(error).__name__) from None
    return reading


def _take(reading: Reading, found: re.Match[bytes], wanted: Set[str], now: datetime) -> None:
    at = _moment(found["at"].decode(), now)
    if at is None:
        return
    reading.began_at = reading.began_at or at
    reading.ended_at = at
    program, words = found["program"], found["words"]
    if program.endswith(b"master") and any(mark in words for mark in _BREAKS):
        reading.breaks.append(at)
    elif program.endswith(b"cleanup") and (named := _NAMED.match(words)):
        queue_id = named["queue_id"].decode()
        # A queue id is used again when its message is gone.
        reading.announced.pop(queue_id, None)
        if (message_id := named["message_id"].decode("ascii", "replace")) in wanted:
            reading.announced[queue_id] = message_id
    elif program.endswith(b"qmgr") and (queued := _QUEUED.match(words)):
        queue_id = queued["queue_id"].decode()
        if queue_id in reading.announced:
            reading.accepted[reading.announced[queue_id]] = queue_id


def _moment(text: str, now: datetime) -> datetime | None:
    """The traditional stamp has no year and no zone: the last one that is not ahead of now."""
    try:
        if text[0].isdigit():
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=_zone_of_machine())
        local = now.astimezone(_zone_of_machine())
        at = datetime.strptime(f"{local.year} {text}", "%Y %b %d %H:%M:%S").replace(
            tzinfo=_zone_of_machine()
        )
        if at > now + timedelta(days=1):
            at = at.replace(year=at.year - 1)
    except ValueError:
        return None
    return at


@cache
def _zone_of_machine() -> tzinfo:
    """The zone of the system's log: Django has its own for this process (TZ)."""
    try:
        with Path("/etc/localtime").open("rb") as zone:
            return ZoneInfo.from_file(zone)
    except (OSError, ValueError):
        return UTC


def queued_now(config_dir: str) -> set[str]:
    """Return the queue ids of what the relay holds at this moment. Raises NoEvidence."""
    where = ["-c", config_dir] if config_dir else []
    command = ["/usr/sbin/postqueue", *where, "-j"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_QUEUE_SECONDS, check=True)
        return set(_queue_ids(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NoEvidence(type(error).__name__) from None


def _queue_ids(listing: bytes) -> Iterator[str]:
    for line in listing.splitlines():
        queue_id = json.loads(line).get("queue_id", "")
        if _QUEUE_ID_SHAPE.fullmatch(str(queue_id)):
            yield str(queue_id)
