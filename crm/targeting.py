"""Who said no to marketing that is chosen for them: an objection to profiling (GDPR 21(2))."""

from collections.abc import Mapping
from uuid import UUID

from consent.services import Channel, Reach, reachable, suppressed_emails

# The purpose whose objection is an objection to profiling for marketing.
PURPOSE = "targeted_promotion"
NO = frozenset({"refused", "withdrawn", "objected", "suppressed"})


def objectors(people: Mapping[UUID, Reach]) -> set[UUID]:
    """Return who of these said no to it or to all of marketing, by their permissions or by their
    address. Two statements."""
    gate = reachable(people=people, purpose_code=PURPOSE, channel=Channel.EMAIL)
    emails = [each.email for each in people.values() if each.email]
    kept = suppressed_emails(emails=emails, purpose_code=PURPOSE) if emails else set()
    said_no = {number for number, why in gate.items() if why in NO}
    return said_no | {number for number, each in people.items() if each.email in kept}
