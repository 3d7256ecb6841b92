"""What the public side does after it has answered: tell the worker, if the person agrees.

Pictures and redirects are answered first, and the same way to everybody; a thread of the process
then asks the person's card and drops an envelope. So no database that is slow or away delays or
breaks an answer, and how long the answer took tells nobody who agreed. An opening that is lost
with the process is no loss: the next one says the same.
"""

import logging
import queue
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import uuid4

from django.db import connections

from campaigns.measurement import CHANNEL, PURPOSE
from consent.services import card_permits
from privacy.services import claim_of_measure_link, drop_envelope

logger = logging.getLogger("campaigns.measurement")

KIND = "measure"
# Bounded, because anybody can ask for any address as often as they like.
WAITING_MOST, REMEMBERED_MOST = 2_000, 50_000
# A person opens a few mails a day. Whoever makes tokens up for a card gets no further than this.
MOST_OF_A_CARD = 100


@dataclass(frozen=True, slots=True)
class Sighting:
    scope: str
    token: str
    on: date


class Notebook:
    """The sightings of one process that wait, and those it has passed on lately."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Sighting] = queue.Queue(WAITING_MOST)
        self._passed_on: OrderedDict[Sighting, None] = OrderedDict()
        self._of_card: Counter[object] = Counter()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def note(self, sighting: Sighting) -> None:
        """Remember it for later; returns at once, and forgets it when too much waits already."""
        try:
            self._waiting.put_nowait(sighting)
        except queue.Full:
            return
        # Not at import: a thread does not survive the fork that makes a worker of gunicorn.
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="measurement", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Wait until everything noted so far was dealt with."""
        self._waiting.join()

    def forget(self) -> None:
        """Begin as a new process does."""
        self._passed_on.clear()
        self._of_card.clear()

    def _work(self) -> None:
        while True:
            sighting = self._waiting.get()
            try:
                self._pass_on(sighting)
            except Exception as error:
                # Intake is away, most likely. Nobody waits for this, and the class is enough.
                logger.warning("a measure could not be kept: %s", type(error).__name__)
            finally:
                if self._waiting.empty():
                    connections["intake"].close()
                self._waiting.task_done()

    def _pass_on(self, sighting: Sighting) -> None:
        card = claim_of_measure_link(token=sighting.token).card_id
        key = (card, sighting.on)
        if sighting in self._passed_on or self._of_card[key] >= MOST_OF_A_CARD:
            return
        if not card_permits(card_id=card, purpose_code=PURPOSE, channel=CHANNEL):
            return
        # The day and nothing finer, in the row too: only the day of the last opening may be kept.
        drop_envelope(
            kind=KIND,
            context=sighting.scope,
            envelope_id=uuid4(),
            document={"token": sighting.token, "on": sighting.on.isoformat()},
            now=datetime.combine(sighting.on, time.min, UTC),
            is_journaled=False,
        )
        self._remember(sighting, key)

    def _remember(self, sighting: Sighting, key: tuple[object, date]) -> None:
        if len(self._of_card) >= REMEMBERED_MOST:
            self._of_card.clear()
        self._of_card[key] += 1
        self._passed_on[sighting] = None
        if len(self._passed_on) > REMEMBERED_MOST:
            self._passed_on.popitem(last=False)


NOTEBOOK = Notebook()
