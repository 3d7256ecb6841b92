"""The worker opens what came back, says what it is, and writes down about which message."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max

from campaigns.models import (
    LETTER_KINDS,
    NO_KINDS,
    SINGLE_KINDS,
    Delivery,
    Return,
    ReturnPart,
    WebhookToken,
)
from campaigns.returns import events, waiting, words
from campaigns.returns.arriving import KIND, MAIL, Piece, from_text, part_id, whole
from campaigns.returns.kinds import Kind
from campaigns.returns.parsing import Return as Found
from campaigns.returns.parsing import parse
from campaigns.returns.reading import NotReadable
from campaigns.returns.tokens import BY_MESSAGE_ID, FORGED, attribute
from campaigns.returns.words import Words
from privacy.services import (
    OpenedEnvelope,
    Refused,
    RetentionClass,
    destroy_documents,
    drain_envelopes,
    read_documents,
    write_documents,
)

logger = logging.getLogger("campaigns.returns")
_CLASS = RetentionClass.ACTIVITY
# A part whose others never come: its sender was told to try again, and did under new ids.
_PARTS_WAIT = timedelta(days=1)
# Without a message that it is about, these are somebody's wish all the same.
_WISHES = (Kind.COMPLAINT, Kind.OPT_OUT, Kind.REPLY)


def take_in(*, now: datetime, limit: int = 200) -> int:
    """Read what waits and write down what it is; return how many envelopes were opened.

    Any number of workers may do so at once, and calling twice is safe: an envelope is gone with
    the commit of what was made of it, and a message that comes again is known by its id.
    """
    drained = drain_envelopes(kind=KIND, handle=partial(_take, now=now), limit=limit, now=now)
    _put_together(now)
    return drained.handled


def _take(envelope: OpenedEnvelope, *, now: datetime) -> None:
    try:
        piece = Piece(envelope)
    except NotReadable:
        raise Refused("not_a_part") from None
    if Return.objects.filter(id=piece.message_id).exists():
        return
    if piece.of == 1:
        _understand(
            piece.message_id, envelope.context, [piece.body], piece.facts, envelope.received_at, now
        )
        return
    document = {"facts": piece.facts, "body": envelope.document["body"]}
    part = part_id(piece.message_id, piece.number)
    write_documents(documents={part: document}, retention_class=_CLASS)
    ReturnPart.objects.bulk_create(
        [
            ReturnPart(
                message_id=piece.message_id,
                number=piece.number,
                of=piece.of,
                source=envelope.context,
                received_at=envelope.received_at,
            )
        ],
        ignore_conflicts=True,
    )


# --- messages of several parts ---------------------------------------------------------------


def _put_together(now: datetime) -> None:
    """Read the messages whose parts are all there, and let go of parts that wait in vain."""
    counted = ReturnPart.objects.values("message_id").annotate(here=Count("id"), of=Max("of"))
    complete = [row["message_id"] for row in counted if row["here"] == row["of"]]
    late = ReturnPart.objects.filter(received_at__lt=now - _PARTS_WAIT)
    for message_id in complete:
        _put_one_together(message_id, now)
    for message_id in set(late.values_list("message_id", flat=True)):
        _let_go(message_id)


def _put_one_together(message_id: UUID, now: datetime) -> None:
    with transaction.atomic():
        rows = list(
            ReturnPart.objects.filter(message_id=message_id)
            .order_by("number")
            .select_for_update(skip_locked=True)
        )
        if not rows or len(rows) != rows[0].of:  # another worker is at it
            return
        ids = [part_id(message_id, row.number) for row in rows]
        found = read_documents(subject_ids=ids, retention_class=_CLASS)
        if len(found) == len(ids):
            pieces = [from_text(found[number]["body"]) for number in ids]
            facts = found[ids[0]]["facts"]
            _understand(message_id, rows[0].source, pieces, facts, rows[0].received_at, now)
        else:
            logger.error("return %s: the key of a part is gone", message_id)
    _let_go(message_id)


def _let_go(message_id: UUID) -> None:
    numbers = ReturnPart.objects.filter(message_id=message_id).values_list("number", flat=True)
    ids = [part_id(message_id, number) for number in numbers]
    destroy_documents(subject_ids=ids, retention_class=_CLASS)
    ReturnPart.objects.filter(message_id=message_id).delete()


# --- one message -----------------------------------------------------------------------------


def _understand(
    message_id: UUID,
    source: str,
    bodies: Sequence[bytes],
    facts: Mapping[str, str],
    received_at: datetime,
    now: datetime,
) -> None:
    if _was_told(source, bodies, now):
        return
    read: Callable[[], Sequence[tuple[UUID, Found, Words]]]
    if source == MAIL:
        read = partial(_read_mail, message_id, bodies, facts)
    else:
        read = partial(events.read_events, message_id, source, bodies, facts)
    for number, found, said in read():
        note(return_id=number, source=source, found=found, said=said, received_at=received_at)


def _was_told(source: str, bodies: Sequence[bytes], now: datetime) -> bool:
    """Whether a request shows a token that an earlier one has used up; and use it up.

    In the transaction that writes down what the request said: either both are kept or neither.
    """
    token = events.token_id(source, bodies)
    if token is None:
        return False
    _row, is_new = WebhookToken.objects.get_or_create(id=token, defaults={"used_at": now})
    return not is_new


def _read_mail(
    message_id: UUID, bodies: Sequence[bytes], facts: Mapping[str, str]
) -> Sequence[tuple[UUID, Found, Words]]:
    content = b""
    try:
        content = whole(bodies)
        recipients = tuple(facts.get("recipients", "").split())
        return [(message_id, parse(content, recipients=recipients), words.of_mail(content))]
    except NotReadable:
        return [(message_id, Found(Kind.UNKNOWN), words.of_bytes(content))]


def note(*, return_id: UUID, source: str, found: Found, said: Words, received_at: datetime) -> None:
    """Write down what came back, and keep its words if a person has to look; twice is once.

    Nobody is looked for by an address: what no token proves is about nobody. The bell rings for a
    wish that only a person can read.
    """
    if Return.objects.filter(id=return_id).exists():
        return
    delivery, how = attribute(found.references)
    kind = _believed(found.kind, source, how)
    is_doubtful = kind == Kind.COMPLAINT and _is_doubtful(delivery, source, how)
    is_for_a_person = is_doubtful or found.is_wish or how == FORGED
    is_kept = is_for_a_person or _is_kept(kind, delivery)
    is_wish = is_kept and (found.is_wish or kind in NO_KINDS)
    campaign_id = delivery.campaign_id if delivery else _campaign_of(found)
    if delivery is None and campaign_id is not None and how != FORGED:
        how = "campaign"
    if is_kept:
        write_documents(documents={return_id: said.document()}, retention_class=_CLASS)
    Return.objects.create(
        id=return_id,
        received_at=received_at,
        source=source,
        kind=kind,
        why=found.why,
        status=found.status[:12],
        attribution=how,
        delivery_id=delivery.id if delivery else None,
        campaign_id=campaign_id,
        contact_id=delivery.contact_id if delivery else None,
        is_kept=is_kept,
        is_wish=is_wish,
        # Nothing follows from what is about nobody, or waits for a person to believe it.
        applied_at=None if delivery and not is_doubtful else received_at,
    )
    if is_wish:
        waiting.ring(at=received_at)


def _is_kept(kind: Kind, delivery: Delivery | None) -> bool:
    return kind == Kind.UNKNOWN or (delivery is None and kind in _WISHES)


def _believed(kind: Kind, source: str, how: str) -> Kind:
    """A Message-ID is read by whoever a mail is forwarded to: it proves no dead address. What a
    mail service tells is proven by its secret."""
    is_weak = source == MAIL and how == BY_MESSAGE_ID
    return Kind.SOFT_BOUNCE if is_weak and kind == Kind.HARD_BOUNCE else kind


def _is_doubtful(delivery: Delivery | None, source: str, how: str) -> bool:
    """A complaint about a letter or an answer would end all of marketing: not by a Message-ID."""
    single = (*LETTER_KINDS, *SINGLE_KINDS)
    is_weak = source == MAIL and how == BY_MESSAGE_ID
    return is_weak and delivery is not None and delivery.kind in single


def _campaign_of(found: Found) -> UUID | None:
    """The campaign that a Feedback-ID names: for the figures, and for nothing else."""
    return UUID(found.campaign) if len(found.campaign) == 32 else None


def words_of(return_id: UUID) -> Words | None:
    found = read_documents(subject_ids=[return_id], retention_class=_CLASS).get(return_id)
    return Words(**found) if found else None


def close(*, return_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Note who looked first. Raises Return.DoesNotExist."""
    Return.objects.only("id").get(id=return_id)
    Return.objects.filter(id=return_id, looked_at=None).update(looked_at=now, looked_by=actor_id)
