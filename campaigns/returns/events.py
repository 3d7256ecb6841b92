"""Events that a mail service told: one vocabulary over all of them (anymail), then ours."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from uuid import UUID

from anymail.exceptions import AnymailError
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest

from campaigns.returns import judging, words
from campaigns.returns.arriving import whole
from campaigns.returns.kinds import Kind, Why
from campaigns.returns.parsing import Return as Found
from campaigns.returns.reading import NotReadable
from campaigns.returns.services_told import NoSuchService, reading_view
from campaigns.returns.tokens import references_in
from campaigns.returns.words import Words
from privacy.services import keyed_id

# Told of every message, and nothing to us. That somebody opened or followed a link is measured
# with their own consent, by our own means, or not at all.
_IGNORED = frozenset(
    {EventType.QUEUED, EventType.SENT, EventType.OPENED, EventType.CLICKED, EventType.SUBSCRIBED}
)
_KINDS = {
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.DEFERRED: Kind.DELAYED,
    EventType.COMPLAINED: Kind.COMPLAINT,
    EventType.UNSUBSCRIBED: Kind.OPT_OUT,
    EventType.AUTORESPONDED: Kind.AUTO_REPLY,
}
# What a service refused to send, and why: it remembers what happened before we asked it.
_REFUSED = {
    RejectReason.INVALID: (Kind.HARD_BOUNCE, Why.UNKNOWN_USER),
    RejectReason.BOUNCED: (Kind.HARD_BOUNCE, Why.OTHER),
    RejectReason.SPAM: (Kind.COMPLAINT, Why.NONE),
    RejectReason.UNSUBSCRIBED: (Kind.OPT_OUT, Why.NONE),
}


def read_events(
    message_id: UUID, source: str, bodies: Sequence[bytes], facts: Mapping[str, str]
) -> list[tuple[UUID, Found, Words]]:
    """Return the events of one request under ids of their own: an event told twice has one id.

    A request that nobody understands is one unknown event, under the id of the request.
    """
    content = b""
    try:
        content = whole(bodies)
        told = reading_view(source).parse_events(_request(content, facts))
        found = [(_id_of(source, event), _found(event), _words(event)) for event in told]
    except (NotReadable, NoSuchService, AnymailError, ImproperlyConfigured, ValueError,
            LookupError, TypeError, AttributeError):  # fmt: skip
        return [(message_id, Found(Kind.UNKNOWN), words.of_bytes(content))]
    return [(number, what, said) for number, what, said in found if what is not None]


def token_id(source: str, bodies: Sequence[bytes]) -> UUID | None:
    """Return under which id a request's one-time token is remembered; None if it has none.

    Mailgun signs a moment and a token and not what it tells: who has read one request could
    otherwise write others with its signature.
    """
    if source != "mailgun":
        return None
    try:
        token = json.loads(whole(bodies))["signature"]["token"]
    except (NotReadable, ValueError, LookupError, TypeError):
        return None
    return UUID(bytes=keyed_id(scope="service_token", parts=[source.encode(), str(token).encode()]))


def _request(content: bytes, facts: Mapping[str, str]) -> WSGIRequest:
    return WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": facts.get("content_type", "application/json"),
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
        }
    )


def _id_of(source: str, event: AnymailTrackingEvent) -> UUID:
    """The service's own id of the event, or all that tells it from another one.

    Keyed: an address is among what it is made of.
    """
    told = [source, event.event_id, event.event_type, event.message_id, event.recipient]
    if not event.event_id:
        told.append(event.timestamp.isoformat() if event.timestamp else "")
    parts = [str(each or "").encode() for each in told]
    return UUID(bytes=keyed_id(scope="service_event", parts=parts))


def _words(event: AnymailTrackingEvent) -> Words:
    return words.of_event(json.dumps(event.esp_event, indent=1, default=str, ensure_ascii=False))


def _found(event: AnymailTrackingEvent) -> Found | None:
    if event.event_type in _IGNORED:
        return None
    kind, why, status = _what(event)
    text = json.dumps(event.esp_event, default=str).encode()
    return Found(kind, why, status, tuple(references_in(text)))


def _what(event: AnymailTrackingEvent) -> tuple[Kind, Why, str]:
    said = " ".join(str(each) for each in (event.mta_response, event.description) if each)
    status = judging.status_in(said)
    if event.event_type == EventType.REJECTED:
        kind, why = _REFUSED.get(event.reject_reason, (Kind.SOFT_BOUNCE, Why.BLOCKED))
        return kind, why, status
    if event.event_type == EventType.FAILED:  # the service could not send it: about us
        return Kind.SOFT_BOUNCE, Why.BLOCKED, status
    if event.event_type == EventType.BOUNCED:
        return *_bounce(event.esp_event, status, said), status
    if event.esp_event.get("Type") == "ChallengeVerification":  # Postmark
        return Kind.CHALLENGE, Why.NONE, status
    return _KINDS.get(event.event_type, Kind.UNKNOWN), Why.NONE, status


def _bounce(told: Mapping[str, Any], status: str, said: str) -> tuple[Kind, Why]:
    """The words of the receiving server first; where they say nothing, the service's own word."""
    kind, why = judging.failed(status, said)
    if why == Why.OTHER and _is_called_hard(told):
        return Kind.HARD_BOUNCE, why
    if why == Why.OTHER and told.get("type") == "blocked":  # SendGrid: not the address's fault
        return Kind.SOFT_BOUNCE, Why.BLOCKED
    return kind, why


def _is_called_hard(told: Mapping[str, Any]) -> bool:
    return (
        told.get("event") in ("hard_bounce", "invalid_email")  # Brevo
        or told.get("Type") in ("HardBounce", "BadEmailAddress")  # Postmark
        or (told.get("event") == "bounce" and told.get("type") == "bounce")  # SendGrid
        or (
            told.get("severity") == "permanent"
            and told.get("reason") in ("bounce", "suppress-bounce")
        )
    )
