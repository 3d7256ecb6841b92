"""Downloads of an export: at most five, by who asked for it, each with its own marks and record.

Everybody in the file is judged once more while it leaves: a "no" that came after it was made keeps
the row back. The file itself stays as it was made, so that nobody comes back into it either.
Before a part leaves, the journal of readings names everybody in it.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from consent.services import Reach
from crm.exports.gate import still_permitted
from crm.exports.keeping import FileGone, SealedRow, part_of
from crm.exports.marks import FoundMarks, made_up, new_canary, new_ref
from crm.exports.terms import DOWNLOADS_MOST
from crm.models import Export, ExportDownload
from crm.spreadsheets import as_text
from privacy.services import RetentionClass, note_reading, reading_as

REF_COLUMN = "export_ref"
# Why the people of a file were read, in the journal of readings.
REASON = "export-download"
# Excel takes a file without it for Windows-1252.
BOM = "\ufeff"


class NotYours(Exception):
    """Only who asked for an export downloads it."""


class NotMade(Exception):
    """The file is not made yet."""


def is_downloadable(export: Export, *, now: datetime) -> bool:
    """Say whether the link of an export works now; raises NotMade for one that is on its way."""
    if export.cancelled_at or export.refused_at or export.destroyed_at:
        return False
    if export.made_at is None or export.expires_at is None:
        raise NotMade(NotMade.__doc__)
    return now < export.expires_at and export.downloads.count() < DOWNLOADS_MOST


@dataclass(repr=False)
class Download:
    """One download: iterate over it once and send what it yields; its record is written then."""

    export: Export
    record: ExportDownload
    domain: str
    now: datetime
    rows: int = 0
    dropped: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def filename(self) -> str:
        return f"export-{self.record.ref}.csv"

    def __iter__(self) -> Iterator[bytes]:
        header = [REF_COLUMN, *self.export.columns]
        yield self._bytes([header], begin=BOM if self.export.has_bom else "")
        for number in range(self.export.parts):
            cells = self._part(number)
            # The made-up people stand among the others, one near the beginning.
            cells[len(cells) // 2 : len(cells) // 2] = self._made_up() if number == 0 else []
            yield self._bytes([[self.record.ref, *row] for row in cells])
        self._close()

    def _part(self, number: int) -> list[Sequence[str]]:
        # The time of this part, not of the request: a large file takes minutes to leave.
        now = max(self.now, timezone.now())
        # A file leaves when the page is over and names nobody any more. The block ends before
        # anything is yielded: the thread may serve somebody else between two parts.
        with self._named(now):
            part = part_of(self.export, number)
            kept = self._permitted(part, now)
            note_reading(
                subject_ids=[row.contact_id for row in kept],
                retention_class=RetentionClass.PROFILE,
            )
        self.rows += len(kept)
        self.dropped += len(part) - len(kept)
        return [row.cells for row in kept]

    def _named(self, now: datetime) -> AbstractContextManager[None]:
        """Name who downloads; not metered: the second person and the limit of exports do that."""
        return reading_as(
            reader_id=self.record.account_id,
            why=REASON,
            reference=str(self.export.id),
            at=now,
            is_metered=False,
        )

    def _permitted(self, part: Sequence[SealedRow], now: datetime) -> list[SealedRow]:
        said = {row.contact_id: Reach(row.email, row.phone) for row in part}
        may = still_permitted(export=self.export, people=said, now=now)
        return [row for row in part if row.contact_id in may]

    def _made_up(self) -> list[Sequence[str]]:
        people = made_up(canary=self.record.canary, columns=self.export.columns, domain=self.domain)
        return [one.cells for one in people]

    def _bytes(self, rows: Sequence[Sequence[str]], *, begin: str = "") -> bytes:
        """Return rows as RFC 4180 has them: every cell quoted, CRLF behind each line."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerows([[as_text(cell) for cell in row] for row in rows])
        piece = (begin + text.getvalue()).encode()
        self._digest.update(piece)
        return piece

    def _close(self) -> None:
        ExportDownload.objects.filter(id=self.record.pk).update(
            finished_at=timezone.now(),
            rows=self.rows,
            dropped=self.dropped,
            sha256=self._digest.digest(),
        )


def begin_download(*, export_id: UUID, account_id: UUID, domain: str, now: datetime) -> Download:
    """Count a download and return it; raises FileGone, NotMade and NotYours. Each call counts."""
    with transaction.atomic():
        export = Export.objects.select_for_update().filter(id=export_id).first()
        if export is None or export.requested_by != account_id:
            raise NotYours(NotYours.__doc__)
        if not is_downloadable(export, now=now):
            raise FileGone(FileGone.__doc__)
        record = ExportDownload.objects.create(
            export=export,
            number=export.downloads.count() + 1,
            account_id=account_id,
            started_at=now,
            ref=new_ref(),
            canary=new_canary(),
        )
    return Download(export, record, domain, now)


# --- whose file a leaked one was --------------------------------------------------------------


@dataclass(frozen=True)
class Traced:
    """A download whose marks are in a file, and how often."""

    download: ExportDownload
    rows: int
    made_up: int


def trace(found: FoundMarks) -> list[Traced]:
    """Return the downloads that marks lead to, the surest first; no mark of ours: none."""
    rows = ExportDownload.objects.select_related("export").filter(
        Q(ref__in=found.refs) | Q(canary__in=found.canaries)
    )
    traced = [
        Traced(row, found.refs.get(row.ref, 0), found.canaries.get(row.canary, 0)) for row in rows
    ]
    return sorted(traced, key=lambda one: (-one.rows, -one.made_up, one.download.pk))
