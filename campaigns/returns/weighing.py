"""How much soft bounces weigh: each one counts, and is half forgotten after thirty days.

At most one a day is counted: a week of full mailbox is one trouble, not twenty. With a message a
week the fourth in a row reaches the threshold, with one a day the fourth day does. A sign of life
in between (an act of the person, a delivery, a member of staff) begins anew.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

HALF_LIFE = timedelta(days=30)
THRESHOLD = 3.0
_AT_MOST_EVERY = timedelta(hours=20)


class Weight(NamedTuple):
    weight: float
    counted_at: datetime


def weight_after(
    *, weight: float, counted_at: datetime | None, sign_of_life: datetime, at: datetime
) -> Weight:
    """Return the weight with one more soft bounce, of the moment `at`.

    Bounces may come out of order: one that is older than what was counted last changes nothing.
    """
    if counted_at is None or sign_of_life > counted_at:
        return Weight(1.0, at)
    if at - counted_at < _AT_MOST_EVERY:
        return Weight(weight, counted_at)
    faded: float = weight * 0.5 ** ((at - counted_at) / HALF_LIFE)
    return Weight(faded + 1.0, at)
