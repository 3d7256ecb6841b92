"""From claimed single messages to mail: opened, rendered, a batch at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from campaigns.delivery.naming import message_id, return_path
from campaigns.delivery.preparing import Preparation, Prepared
from campaigns.delivery.statements import Claimed, GateMark, Outcome
from campaigns.models import DeliveryState, OutgoingMessage
from campaigns.single.content import SingleContent, mail_of
from campaigns.smtp.addresses import BadAddress
from campaigns.smtp.headers import UnsafeHeader
from consent.services import opt_out_links
from crm.services import Profile, profiles
from privacy.services import (
    RetentionClass,
    SealedRecord,
    fingerprint_emails,
    open_records,
)


class SingleDesk:
    """Prepares messages to one person each. No tracking: nothing in them is fetched or rewritten.

    One for a purpose of marketing carries the ways to say no, as a newsletter does.
    """

    def prepare(self, rows: Sequence[Claimed], *, now: datetime) -> Preparation:
        people = profiles(contact_ids=[row.contact_id for row in rows])
        messages = OutgoingMessage.objects.select_related("purpose").in_bulk(
            [row.reference_id for row in rows]
        )
        contents = _contents(messages)
        addresses = {number: person.email for number, person in people.items()}
        marks = dict(
            zip(addresses, fingerprint_emails(emails=list(addresses.values())), strict=True)
        )
        links = _ways_to_say_no(messages.values(), people, now)
        done = Preparation([], [])
        for row in rows:
            person, content = people.get(row.contact_id), contents.get(row.reference_id)
            if person is None or content is None:
                done.settled.append(_ended(row, DeliveryState.SKIPPED, "unreadable"))
                continue
            try:
                mail = mail_of(
                    content,
                    language=messages[row.reference_id].language,
                    to_address=person.email,
                    to_name=f"{person.given_name} {person.family_name}".strip(),
                    message_id=message_id(row),
                    date=now,
                    unsubscribe_url=links.get(row.reference_id, ""),
                )
            except (BadAddress, UnsafeHeader) as error:
                word = "bad_address" if isinstance(error, BadAddress) else "unsafe_header"
                done.settled.append(_ended(row, DeliveryState.FAILED, word))
                continue
            mark = GateMark(row.id, marks[row.contact_id].marks)
            done.prepared.append(Prepared(row, return_path(row), person.email, mail, mark))
        return done


def _contents(messages: Mapping[UUID, OutgoingMessage]) -> dict[UUID, SingleContent]:
    records = [SealedRecord(row.id, row.subject_id, bytes(row.sealed)) for row in messages.values()]
    opened = open_records(records=records, retention_class=RetentionClass.ACTIVITY)
    return {number: SingleContent.of(document) for number, document in opened.items()}


def _ways_to_say_no(
    messages: Iterable[OutgoingMessage], people: Mapping[UUID, Profile], now: datetime
) -> dict[UUID, str]:
    """The one-click address of each message of marketing, a query per purpose."""
    by_purpose: dict[str, list[OutgoingMessage]] = {}
    for row in messages:
        if row.purpose.is_marketing and row.contact_id in people:
            by_purpose.setdefault(row.purpose_id, []).append(row)
    found: dict[UUID, str] = {}
    for purpose, rows in by_purpose.items():
        subjects = {row.contact_id: people[row.contact_id].email for row in rows}
        links = opt_out_links(subjects=subjects, purpose_code=purpose, now=now)
        found |= {row.id: links[row.contact_id].one_click_url for row in rows}
    return found


def _ended(row: Claimed, state: DeliveryState, reason: str) -> Outcome:
    return Outcome(id=row.id, state=state, reason=reason)
