"""A "no" that came by mail: by a complaint that the mail service passed on, or by an answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from consent.addresses import Marks, addresses_of, marks_of, person_of
from consent.refusal import Refusal, refuse
from consent.suppression import EVERYTHING
from privacy.services import journal_writer


def object_by_message(
    *,
    subject_id: UUID,
    purpose_code: str,
    method: Literal["complaint", "mail_opt_out"],
    source_id: UUID,
    language: str = "fr",
    now: datetime,
) -> None:
    """Record that whoever was sent a message objects; an empty code: to all of marketing.

    The privacy journal first, as for every "no". Whoever was merged meanwhile objects as the
    person that they are part of; of whoever is erased nothing is left to end. `now` is when it
    came. Idempotent by `source_id` and `now`. Raises JournalUnreachable.
    """
    person = person_of(subject_id)
    reach = addresses_of(subject_ids=[person]).get(person)
    marks = marks_of([reach])[0] if reach else Marks()
    with journal_writer(now=now) as writer:
        refuse(
            refusal=Refusal(
                person,
                marks.email,
                [purpose_code or EVERYTHING],
                method,
                source_id,
                now,
                language,
                phone=marks.phone,
            ),
            writer=writer,
        )
