"""The kinds of what comes back, and why a message bounced: closed lists, kept in clear."""

from enum import StrEnum


class Kind(StrEnum):
    """What a message that came back is."""

    HARD_BOUNCE = "hard_bounce"  # the address itself is dead
    SOFT_BOUNCE = "soft_bounce"  # this message did not arrive; the address may be good
    DELAYED = "delayed"  # not arrived yet: no bounce
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    OPT_OUT = "opt_out"
    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    CHALLENGE = "challenge"  # a filter wants the sender to prove that it is a person
    NOTICE = "notice"  # about a message, and asks nothing: read receipts, authentication reports
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why a message bounced or waits."""

    NONE = ""
    UNKNOWN_USER = "unknown_user"
    DOMAIN_GONE = "domain_gone"
    DISABLED = "mailbox_disabled"
    FULL = "mailbox_full"
    BLOCKED = "blocked"
    TOO_LARGE = "too_large"
    EXPIRED = "expired"
    GREYLISTED = "greylisted"
    OTHER = "other"


BOUNCES = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE)
# About us or about the message: says nothing against the address.
BLAMELESS = (Why.BLOCKED, Why.TOO_LARGE)
